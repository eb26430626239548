package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// List is carrierfsm.Store's.
func (s *Store) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []carrierfsm.Record
	for _, row := range s.rows {
		if matches(row.record, q) {
			r := row.record
			r.Body = nil
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b carrierfsm.Record) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	return slices.Clip(list[:min(limit, len(list))]), nil
}

func matches(r carrierfsm.Record, q carrierfsm.Query) bool {
	switch {
	case len(q.States) > 0 && !slices.Contains(q.States, r.State),
		q.Source != "" && q.Source != r.Source,
		q.Reason != "" && q.Reason != r.Reason,
		q.InFlight && !r.InFlight,
		!q.CreatedAfter.IsZero() && !r.Created.After(q.CreatedAfter),
		!q.CreatedBefore.IsZero() && !r.Created.Before(q.CreatedBefore),
		!q.UpdatedBefore.IsZero() && !r.Updated.Before(q.UpdatedBefore):
		return false
	}
	return q.After == (carrierfsm.ListMark{}) ||
		cmp.Or(r.Created.Compare(q.After.Created), cmp.Compare(r.ID, q.After.ID)) < 0
}

// Due is carrierfsm.Store's.
func (s *Store) Due(ctx context.Context, now time.Time, after carrierfsm.DueMark, limit int) ([]carrierfsm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []carrierfsm.Record
	for second := range s.due.between(after.Due, now) {
		if len(list) >= limit {
			break
		}
		list = append(list, s.dueAt(second, now, after)...)
	}
	list = slices.Clip(list[:min(max(limit, 0), len(list))])
	for i, r := range list {
		list[i] = copyOf(r)
	}
	return list, nil
}

// dueAt are the records that are due in one second, in order.
func (s *Store) dueAt(second int64, now time.Time, after carrierfsm.DueMark) []carrierfsm.Record {
	var list []carrierfsm.Record
	for id := range s.due.at[second] {
		r := s.rows[id].record
		place := cmp.Or(r.Due.Compare(after.Due), cmp.Compare(r.ID, after.ID))
		if !r.Due.After(now) && place > 0 {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b carrierfsm.Record) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID))
	})
	return list
}
