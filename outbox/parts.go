package outbox

import (
	"cmp"
	"context"
	"errors"
	"slices"
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

// Cursors returns how far each handler has come that ever ran on this store: on each
// shard, where it has shards. It returns carrierfsm.ErrClosed, the context's error or
// carrierfsm.ErrStore, with what other shards have if it is a *carrierfsm.ShardsError.
func (d *Dispatcher) Cursors(ctx context.Context) ([]Cursor, error) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lists, errs := make([][]Cursor, len(d.parts)), make([]error, len(d.parts))
	d.eachPart(func(i int, p part) { lists[i], errs[i] = p.store.Cursors(bounded) })
	var failed []string
	for i := range d.parts {
		if errs[i] != nil {
			failed = append(failed, d.parts[i].shard)
		}
		for n := range lists[i] {
			lists[i][n].Shard = d.parts[i].shard
		}
	}
	if len(failed) == len(d.parts) {
		return nil, storeError(ctx, errs[0])
	}
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b Cursor) int { return cmp.Compare(a.Name, b.Name) })
	if len(failed) > 0 {
		return all, &carrierfsm.ShardsError{Shards: failed, Err: errors.Join(errs...)}
	}
	return all, nil
}

// Parked returns the verifications that are parked, those to be tried next
// first. It returns carrierfsm.ErrClosed, the context's error or carrierfsm.ErrStore, with
// what other shards have if it is a *carrierfsm.ShardsError.
func (d *Dispatcher) Parked(ctx context.Context, q ParkedQuery) ([]Parked, error) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	list, err := d.store.Parked(bounded, q)
	if err != nil {
		err = storeError(ctx, err)
	}
	return list, err
}

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
