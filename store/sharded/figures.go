package sharded

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// The figures: each shard counts its own transitions, in the commits of its own cursor, and
// what is read is their sum.

// Count is figures.Store's.
func (m *member) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(figures.Store); ok {
		return s.Count(ctx, l, b, c)
	}
	return invalid("the store of the shard %s is no figures.Store", m.name)
}

// Counts is figures.Store's.
func (m *member) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) (list []figures.Row, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(figures.Store); ok {
		return s.Counts(ctx, handler, period, from, until)
	}
	return nil, invalid("the store of the shard %s is no figures.Store", m.name)
}

// Count implements figures.Store. The lease and the batch are those of one shard, or of
// this Store.
func (s *Store) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	if of, ok := b.State.(batch); ok {
		parts, err := s.partsOf(ctx, l)
		if err != nil {
			return err
		}
		b.State = of.state
		return s.members[of.shard].Count(ctx, parts[of.shard], b, c)
	}
	if len(b.Entries) == 0 {
		return invalid("the batch has no entries")
	}
	return s.member(b.Entries[0].ID).Count(ctx, l, b, c)
}

// Counts implements figures.Store.
func (s *Store) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) ([]figures.Row, error) {
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]figures.Row, error) {
		return m.Counts(ctx, handler, period, from, until)
	})
	all := slices.Concat(lists...)
	slices.SortStableFunc(all, func(a, b figures.Row) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Source, b.Source)) })
	var sums []figures.Row
	for _, row := range all {
		if n := len(sums); n > 0 && sums[n-1].Start.Equal(row.Start) && sums[n-1].Source == row.Source {
			sums[n-1].Counts.Add(row.Counts)
			continue
		}
		sums = append(sums, row)
	}
	return sums, err
}
