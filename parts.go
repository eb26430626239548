package carrierfsm

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/broadcast"
)

// part is the whole store, or one of its shards: Run settles each apart.
type part struct {
	name    string // empty for the whole store
	store   Store  // with the Observer around it
	bare    Store  // without, for its further powers
	commits broadcast.Broadcast
	skew    atomic.Int64 // a Duration: see Stats.ClockSkew
	swept   atomic.Int64 // when Run last made progress with it, a Duration since Machine.made
}

// partsOf returns the parts of a store; observed is the store with the Observer
// around it.
func partsOf(o *Observer, s, observed Store) (list []*part) {
	all, ok := s.(sharder)
	if !ok {
		return []*part{{store: observed, bare: s}}
	}
	for _, shard := range all.Shards() {
		p := &part{name: shard.Name, store: observeStore(o, shard.Store), bare: shard.Store}
		if o, ok := p.store.(observedStore); ok {
			o.shard = shard.Name
			p.store = o
		}
		list = append(list, p)
	}
	return list
}

// storeClock is a further power of a Store whose server has a clock of its own.
type storeClock interface {
	Now(ctx context.Context) (time.Time, error)
}

// clockTimeout bounds the question for the store's time.
const clockTimeout = 5 * time.Second

// compareClocks compares this process's clock with the store's. It returns by how much
// it was ahead the last time, and is now.
func (p *part) compareClocks(ctx context.Context, now func() time.Time) (was, skew time.Duration) {
	was = p.skewed()
	clock, ok := p.bare.(storeClock)
	if !ok {
		return was, was
	}
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	before := now()
	theirs, err := clock.Now(ctx)
	if err != nil {
		return was, was // the next call of the store returns its error
	}
	if ahead := before.Sub(theirs); ahead > 0 { // as little as the answer allows
		skew = ahead
	} else if behind := theirs.Sub(now()); behind > 0 {
		skew = -behind
	}
	p.skew.Store(int64(skew))
	return was, skew
}

// skewed returns by how much this process's clock was ahead of the store's.
func (p *part) skewed() time.Duration { return time.Duration(p.skew.Load()) }

// noteProgress notes that Run makes progress now. made is when the machine was made.
func (p *part) noteProgress(made time.Time) { p.swept.Store(int64(time.Since(made))) }

// idle returns how long ago Run made progress; zero where it does not run.
func (p *part) idle(made time.Time, running int) time.Duration {
	if running == 0 {
		return 0
	}
	return max(0, time.Since(made)-time.Duration(p.swept.Load()))
}

// attrs adds the shard's name to the attributes of a log record.
func (p *part) attrs(list ...any) []any {
	if p.name == "" {
		return list
	}
	return append(list, "shard", p.name)
}
