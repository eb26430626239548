package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// defaultLimit is the number of rows that a query without a limit returns.
const defaultLimit = 100

// List implements carrierfsm.Store.
func (s *Store) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var list []carrierfsm.Record
	rows := s.rows
	if q.Key != "" {
		rows = make(map[string]*row, 1)
		if id, ok := s.keys[q.Key]; ok {
			rows[id] = s.rows[id]
		}
	}
	for _, row := range rows {
		if r := row.record(); matches(&r, q) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b carrierfsm.Record) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	list = slices.Clip(list[:min(cmp.Or(max(q.Limit, 0), defaultLimit), len(list))])
	for i := range list {
		if q.Bodies {
			list[i].Body = bytes.Clone(s.rows[list[i].ID].body)
		}
	}
	return list, nil
}

func matches(r *carrierfsm.Record, q carrierfsm.Query) bool {
	switch {
	case len(q.States) > 0 && !slices.Contains(q.States, r.State),
		q.Source != "" && q.Source != r.Source,
		q.Reason != "" && q.Reason != r.Reason,
		q.InFlight && !r.InFlight,
		q.Key != "" && q.Key != r.Key,
		!q.CreatedAfter.IsZero() && !r.Created.After(q.CreatedAfter),
		!q.CreatedBefore.IsZero() && !r.Created.Before(q.CreatedBefore),
		!q.UpdatedBefore.IsZero() && !r.Updated.Before(q.UpdatedBefore):
		return false
	}
	return q.After == (carrierfsm.PageKey{}) ||
		cmp.Or(r.Created.Compare(q.After.Time), cmp.Compare(r.ID, q.After.ID)) < 0
}

// Due implements carrierfsm.Store.
func (s *Store) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var rows []*row
	for second := range s.due.between(after.Time, now) {
		if len(rows) >= limit {
			break
		}
		rows = append(rows, s.dueAt(second, now, after)...)
	}
	var list []carrierfsm.Record
	for _, r := range rows[:min(max(limit, 0), len(rows))] {
		list = append(list, r.recordWithBody())
	}
	return list, nil
}

// dueAt returns the rows that are due in one second and after the key, in order.
func (s *Store) dueAt(second int64, now time.Time, after carrierfsm.PageKey) []*row {
	var list []*row
	for r := s.due.lists[second]; r != nil; r = r.next {
		due := timeOf(r.due)
		if !due.After(now) && cmp.Or(due.Compare(after.Time), cmp.Compare(r.id, after.ID)) > 0 {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.id, b.id))
	})
	return list
}
