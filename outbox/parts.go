package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/broadcast"
)

// part is the whole store, or one of its shards: each has leases and cursors of its own.
type part struct {
	shard   string // empty for the whole store
	store   Store
	watched *broadcast.Broadcast // of commits that the store has noticed
}

// partsOf returns the parts of a store.
func partsOf(s Store) (list []part, err error) {
	all, ok := s.(interface{ Shards() []carrierfsm.Shard })
	if !ok {
		return []part{{store: s, watched: new(broadcast.Broadcast)}}, nil
	}
	for _, shard := range all.Shards() {
		store, ok := shard.Store.(Store)
		if !ok {
			return nil, invalid("the store of a shard is no outbox.Store")
		}
		list = append(list, part{shard: shard.Name, store: store, watched: new(broadcast.Broadcast)})
	}
	return list, nil
}

// eachPart calls f for each part of the store, at the same time.
func (d *Dispatcher) eachPart(f func(i int, p part)) {
	var all sync.WaitGroup
	for i, p := range d.parts {
		all.Go(func() { f(i, p) })
	}
	all.Wait()
}

// isPartial reports whether some shards have answered.
func isPartial(err error) bool { return errors.As(err, new(*carrierfsm.ShardsError)) }

// String names the worker in errors.
func (w *worker) String() string {
	if w.part.shard == "" {
		return "handler " + w.name
	}
	return "handler " + w.name + ", shard " + w.part.shard
}

// attrs adds the handler, and the shard, to the attributes of a log record.
func (w *worker) attrs(list ...any) []any {
	list = append([]any{"handler", w.name}, list...)
	if w.part.shard != "" {
		list = append(list, "shard", w.part.shard)
	}
	return list
}

// turnPart is which part of the poll interval a worker waits for each lease of the same
// handler that this process has.
const turnPart = 10

// takeTurn waits before a lease is acquired, the longer the more leases of the handler
// this process has, so that other replicas get some too. The caller calls done when it
// has no lease any more.
func (w *worker) takeTurn(ctx context.Context) (done func()) {
	if w.part.shard == "" {
		return func() {}
	}
	for ctx.Err() == nil {
		held := w.held.Load()
		timer := time.NewTimer(time.Duration(held) * w.cfg.PollInterval / turnPart)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		if w.held.CompareAndSwap(held, held+1) {
			return func() { w.held.Add(-1) }
		}
	}
	return func() {}
}
