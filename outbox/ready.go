package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Stats are counts of this process.
type Stats struct {
	// Slow is how many calls go on after Config.SlowAfter: see Config.MaxSlow.
	Slow int
	// Abandoned is how many of them have not returned after Config.Timeout.
	Abandoned int
	// Running is how many calls of Run go on.
	Running int
}

// Stats returns the counts of all handlers.
func (d *Dispatcher) Stats() (all Stats) {
	all.Running = int(d.running.Load())
	for _, s := range d.slow {
		s.mu.Lock()
		all.Slow += len(s.running)
		all.Abandoned += s.abandoned
		s.mu.Unlock()
	}
	return all
}

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

// Ready returns nil if the handlers of this Dispatcher are called: the store answers
// and, where it has CheckSchema, has the tables of this build, Run runs in this
// process, some replica holds the lease of each handler, and no handler is further
// behind than Config.MaxLag. It is for a probe of readiness. After a replica has stopped,
// it may take LeaseTTL until another one holds its leases. On a store with shards, one
// shard for which all that holds is enough.
//
// The error says what is wrong, and contains nothing personal. It matches ErrNoStart,
// carrierfsm.ErrClosed or carrierfsm.ErrStore where these are the reason, or is the
// context's.
func (d *Dispatcher) Ready(ctx context.Context) error {
	cursors, err := d.Cursors(ctx)
	if err != nil && !isPartial(err) {
		return err
	}
	if len(d.names) > 0 && d.running.Load() == 0 {
		return errors.New("outbox: Run does not run in this process")
	}
	var first error
	for _, p := range d.parts {
		err := d.readyOn(ctx, p, cursors)
		if err == nil {
			return nil
		}
		first = cmp.Or(first, err)
	}
	return first
}

// readyOn returns nil if the handlers are called on a part of the store.
func (d *Dispatcher) readyOn(ctx context.Context, p part, cursors []Cursor) error {
	if err := p.checkSchema(ctx); err != nil {
		return err
	}
	for _, name := range d.names {
		at := slices.IndexFunc(cursors, func(c Cursor) bool { return c.Name == name && c.Shard == p.shard })
		if at < 0 {
			return fmt.Errorf("%w (handler %s)", ErrNoStart, name)
		}
		c := cursors[at]
		if lag := d.now().Sub(c.Behind); !c.Behind.IsZero() && lag > d.cfg.MaxLag {
			return fmt.Errorf("outbox: the handler %s is %v behind", name, lag.Round(time.Second))
		}
		if c.Owner == "" {
			return fmt.Errorf("outbox: no replica holds the lease of the handler %s", name)
		}
	}
	return nil
}

// checkSchema asks a store with migrated tables for them: see carrierfsm.Store.
func (p part) checkSchema(ctx context.Context) error {
	store, ok := p.store.(interface {
		CheckSchema(ctx context.Context) error
	})
	if !ok {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := store.CheckSchema(bounded); err != nil {
		return storeError(ctx, err)
	}
	return nil
}
