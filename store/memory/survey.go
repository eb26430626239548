package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

var _ survey.Surveyor = (*Store)(nil)

// Survey implements survey.Surveyor. It looks at every record.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var rows []*row
	for _, row := range s.rows {
		if created := timeOf(row.created); !created.Before(from) && created.Before(until) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.id, b.id))
	})
	list := make([]survey.Timeline, min(max(limit, 0), len(rows)))
	for i := range list {
		list[i] = rows[i].timeline()
	}
	return list, nil
}

func (r *row) timeline() survey.Timeline {
	c := survey.Timeline{Record: r.record(), Entries: make([]carrierfsm.Entry, len(r.history))}
	for i := range r.history {
		c.Entries[i] = r.withoutDetail(&r.history[i])
	}
	return c
}
