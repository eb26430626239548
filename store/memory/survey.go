package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Surveyor = (*Store)(nil)

// Survey is carrierfsm.Surveyor's. It looks at every record.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) ([]carrierfsm.Course, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var rows []*row
	for _, row := range s.rows {
		if created := row.record.Created; !created.Before(from) && created.Before(until) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(a.record.Created.Compare(b.record.Created), cmp.Compare(a.record.ID, b.record.ID))
	})
	list := make([]carrierfsm.Course, min(max(limit, 0), len(rows)))
	for i := range list {
		list[i] = rows[i].course()
	}
	return list, nil
}

func (r *row) course() carrierfsm.Course {
	c := carrierfsm.Course{Record: r.record, Entries: make([]carrierfsm.Entry, len(r.history))}
	c.Record.Body = nil
	for i, e := range r.history {
		c.Entries[i] = *e
		c.Entries[i].Detail, c.Entries[i].Position = nil, 0
	}
	return c
}
