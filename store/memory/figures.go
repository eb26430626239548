package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

var _ figures.Store = (*Store)(nil)

// figureKey names a row of figures.
type figureKey struct {
	handler string
	period  time.Duration
	start   int64 // in seconds
	source  string
}

// Count implements figures.Store.
func (s *Store) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, change figures.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if err := figures.CheckChange(change); err != nil {
		return err
	}
	c := s.cursors[l.Name]
	if c == nil || c.Fence != l.Fence || len(b.Entries) == 0 || c.Position >= b.Entries[0].Position {
		return outbox.ErrLeaseLost
	}
	c.Position = b.Entries[len(b.Entries)-1].Position
	for _, r := range change.Add {
		key := figureKey{l.Name, r.Period, r.Start.Unix(), r.Source}
		counts := s.figures[key]
		counts.Add(r.Counts)
		s.figures[key] = counts
	}
	for period, before := range change.Forget {
		s.forgetBefore(l.Name, period, before)
	}
	return nil
}

// forgetBefore deletes the earliest rows that start before a time.
func (s *Store) forgetBefore(handler string, period time.Duration, before time.Time) {
	var old []figureKey
	for key := range s.figures {
		if key.handler == handler && key.period == period && time.Unix(key.start, 0).Before(before) {
			old = append(old, key)
		}
	}
	slices.SortFunc(old, func(a, b figureKey) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.source, b.source))
	})
	for _, key := range old[:min(len(old), figures.ForgetLimit)] {
		delete(s.figures, key)
	}
}

// forgetFigures deletes all rows of a handler.
func (s *Store) forgetFigures(handler string) {
	maps.DeleteFunc(s.figures, func(key figureKey, _ figures.Counts) bool { return key.handler == handler })
}

// Counts implements figures.Store.
func (s *Store) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) ([]figures.Row, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var list []figures.Row
	for key, counts := range s.figures {
		start := time.Unix(key.start, 0).UTC()
		if key.handler == handler && key.period == period && !start.Before(from) && start.Before(until) {
			list = append(list, figures.Row{Period: period, Start: start, Source: key.source, Counts: slices.Clone(counts)})
		}
	}
	slices.SortFunc(list, func(a, b figures.Row) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Source, b.Source)) })
	return list, nil
}
