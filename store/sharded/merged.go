package sharded

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// These methods go to all shards.

// defaultLimit is the number of rows that a query without a limit returns.
const defaultLimit = 100

// gather calls f for all shards at the same time, and returns what those that answered
// returned. The error is a *carrierfsm.ShardsError, carrierfsm.ErrClosed, or the context's.
func gather[T any](ctx context.Context, s *Store, f func(context.Context, *member) (T, error)) ([]T, error) {
	results, errs := make([]T, len(s.members)), make([]error, len(s.members))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var all sync.WaitGroup
	for i, m := range s.members {
		all.Go(func() { results[i], errs[i] = f(ctx, m) })
	}
	all.Wait()
	var list []T
	for i := range results {
		if errs[i] == nil {
			list = append(list, results[i])
		}
	}
	return list, s.joined(ctx, errs)
}

// joined returns the error of a call of all shards.
func (s *Store) joined(ctx context.Context, errs []error) error {
	var names []string
	closed := true
	for i, err := range errs {
		if err != nil {
			names = append(names, s.members[i].name)
			closed = closed && errors.Is(err, carrierfsm.ErrClosed)
		}
	}
	switch {
	case len(names) == 0:
		return nil
	case closed:
		return carrierfsm.ErrClosed
	case len(names) == len(errs) && ctx.Err() != nil:
		return ctx.Err()
	}
	return &carrierfsm.ShardsError{Shards: names, Err: errors.Join(errs...)}
}

// merge returns the first rows of several lists, in order.
func merge[T any](lists [][]T, limit int, compare func(a, b T) int) []T {
	if len(lists) == 1 {
		return lists[0]
	}
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, compare)
	return slices.Clip(all[:min(max(limit, 0), len(all))])
}

// List implements carrierfsm.Store. A query by key goes to the shard of the key.
func (s *Store) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if q.Key != "" {
		return s.memberOfKey(q.Key).List(ctx, q)
	}
	q.Limit = cmp.Or(max(q.Limit, 0), defaultLimit)
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]carrierfsm.Record, error) { return m.List(ctx, q) })
	return merge(lists, q.Limit, func(a, b carrierfsm.Record) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	}), err
}

// Due implements carrierfsm.Store.
func (s *Store) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]carrierfsm.Record, error) {
		return m.Due(ctx, now, after, limit)
	})
	return merge(lists, limit, func(a, b carrierfsm.Record) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	}), err
}

// inTurn calls remove for one shard after the other, with the limit that is left. A shard
// that fails does not stop the others.
func (s *Store) inTurn(ctx context.Context, limit int, remove func(m *member, limit int) (int, error)) (n int, err error) {
	errs := make([]error, len(s.members))
	for i, m := range s.members {
		var deleted int
		deleted, errs[i] = remove(m, max(limit, 0)-n)
		n += deleted
	}
	return n, s.joined(ctx, errs)
}

// Purge implements carrierfsm.Store.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.inTurn(ctx, limit, func(m *member, limit int) (int, error) { return m.Purge(ctx, before, limit) })
}

// PurgeLedgers implements carrierfsm.Store.
func (s *Store) PurgeLedgers(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.inTurn(ctx, limit, func(m *member, limit int) (int, error) { return m.PurgeLedgers(ctx, before, limit) })
}

// PurgeDelivered is a power of an outbox.Outbox.
func (s *Store) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	deleted, err = s.inTurn(ctx, limit, func(m *member, limit int) (int, error) {
		n, k, err := m.PurgeDelivered(ctx, before, limit)
		kept += k
		return n, err
	})
	return deleted, min(kept, max(limit, 0)), err
}

// Parked implements outbox.Outbox. A query by id goes to its shard.
func (s *Store) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if q.ID != "" {
		return s.member(q.ID).Parked(ctx, q)
	}
	q.Limit = cmp.Or(max(q.Limit, 0), defaultLimit)
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]outbox.Parked, error) { return m.Parked(ctx, q) })
	return merge(lists, q.Limit, func(a, b outbox.Parked) int {
		return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.Handler, b.Handler), cmp.Compare(a.ID, b.ID))
	}), err
}

// Cursors implements outbox.Outbox. It merges the cursors of one name: the oldest Behind,
// all that are parked, and an Owner only if one has the leases of all shards.
func (s *Store) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]outbox.Cursor, error) { return m.Cursors(ctx) })
	all := make(map[string]outbox.Cursor)
	for _, c := range slices.Concat(lists...) {
		if before, ok := all[c.Name]; ok {
			c = mergedCursor(before, c)
		}
		all[c.Name] = c
	}
	var merged []outbox.Cursor
	for _, c := range all {
		merged = append(merged, c)
	}
	slices.SortFunc(merged, func(a, b outbox.Cursor) int { return cmp.Compare(a.Name, b.Name) })
	return merged, err
}

func mergedCursor(a, b outbox.Cursor) outbox.Cursor {
	a.Parked += b.Parked
	if a.Behind.IsZero() || !b.Behind.IsZero() && b.Behind.Before(a.Behind) {
		a.Behind = b.Behind
	}
	if a.Owner != b.Owner {
		a.Owner, a.Until = "", time.Time{}
	}
	if b.Until.Before(a.Until) {
		a.Until = b.Until
	}
	return a
}

// Retire is a power of an outbox.Outbox. Where a shard does not answer it may be called
// again.
func (s *Store) Retire(ctx context.Context, name string) error {
	_, err := gather(ctx, s, func(ctx context.Context, m *member) (struct{}, error) {
		err := m.Retire(ctx, name)
		return struct{}{}, err
	})
	if errors.Is(err, outbox.ErrLeaseHeld) {
		return outbox.ErrLeaseHeld
	}
	return err
}

// AfterRestore ends the leases on all shards: see the AfterRestore of the shards' stores.
func (s *Store) AfterRestore(ctx context.Context) error {
	_, err := gather(ctx, s, func(ctx context.Context, m *member) (struct{}, error) { return struct{}{}, m.AfterRestore(ctx) })
	return err
}

// CheckSchema returns nil if the tables of all shards that answer are those of this
// build.
func (s *Store) CheckSchema(ctx context.Context) error {
	_, err := gather(ctx, s, func(ctx context.Context, m *member) (struct{}, error) { return struct{}{}, m.CheckSchema(ctx) })
	return err
}

// Survey implements survey.Surveyor.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]survey.Timeline, error) {
		return m.Survey(ctx, from, until, limit)
	})
	return merge(lists, limit, func(a, b survey.Timeline) int {
		return cmp.Or(a.Record.Created.Compare(b.Record.Created), cmp.Compare(a.Record.ID, b.Record.ID))
	}), err
}

// Audit implements audit.Auditor. What is wrong with the whole of a shard has its name in
// the text.
func (s *Store) Audit(ctx context.Context, limit int) ([]audit.Finding, error) {
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]audit.Finding, error) {
		list, err := m.Audit(ctx, limit)
		for i := range list {
			if list[i].ID == "" {
				list[i].Text = "shard " + m.name + ": " + list[i].Text
			}
		}
		return list, err
	})
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b audit.Finding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Text, b.Text))
	})
	count := make(map[audit.Kind]int)
	return slices.DeleteFunc(all, func(f audit.Finding) bool {
		count[f.Kind]++
		return count[f.Kind] > limit
	}), err
}
