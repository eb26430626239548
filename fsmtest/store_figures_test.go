package fsmtest_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestTheSuiteFindsEachBrokenStoreOfFigures(t *testing.T) {
	t.Parallel()
	for _, b := range []struct {
		what  string
		store func(*memory.Store) fsmtest.FiguresStore
		rules []string
	}{
		{"the counts are written before the cursor", func(s *memory.Store) fsmtest.FiguresStore { return &twoSteps{Store: s, countsFirst: true} }, []string{"CountOnce", "CountFence", "CountMoved"}},
		{"the cursor is moved before the counts are written", func(s *memory.Store) fsmtest.FiguresStore { return &twoSteps{Store: s} }, []string{"CountOnce", "CountMoved", "CountNew"}},
		{"the fence is not checked", func(s *memory.Store) fsmtest.FiguresStore { return countsFenceless{s} }, []string{"CountFence"}},
		{"rows are replaced", func(s *memory.Store) fsmtest.FiguresStore { return lastCounts{&twoSteps{Store: s}} }, []string{"CountAdds"}},
		{"all rows are returned", func(s *memory.Store) fsmtest.FiguresStore { return allCounts{s} }, []string{"CountAdds", "CountBounds"}},
		{"nothing is forgotten", func(s *memory.Store) fsmtest.FiguresStore { return forgetsNothing{s} }, []string{"CountForgets"}},
		{"a context that has ended counts", func(s *memory.Store) fsmtest.FiguresStore { return countsOn{s} }, []string{"CountClosed"}},
		{"counts are lost after a crash", nil, []string{"CountReopen"}},
	} {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckFigures(t, func(testing.TB) fsmtest.FiguresSubject {
				if b.store == nil {
					return fsmtest.FiguresSubject{Store: memory.New(), Reopen: func() (fsmtest.FiguresStore, error) { return memory.New(), nil }}
				}
				return fsmtest.FiguresSubject{Store: b.store(memory.New())}
			})
			require.Error(t, err)
			for _, rule := range b.rules {
				require.ErrorContains(t, err, rule+": ")
			}
		})
	}
	require.NoError(t, fsmtest.CheckFigures(t, func(testing.TB) fsmtest.FiguresSubject {
		return fsmtest.FiguresSubject{Store: memory.New()}
	}))
}

// twoSteps is a store that keeps the rows itself and writes them and the cursor in two
// steps.
type twoSteps struct {
	*memory.Store
	mu          sync.Mutex
	rows        []keptRow
	countsFirst bool
}

type keptRow struct {
	handler string
	figures.Row
}

func (s *twoSteps) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	if err := figures.CheckChange(c); err != nil {
		return err
	}
	if s.countsFirst {
		s.add(l.Name, c)
	}
	if err := s.Advance(ctx, l, b, len(b.Entries), nil); err != nil {
		return err
	}
	if ctx.Err() != nil { // the process has died
		return ctx.Err()
	}
	if !s.countsFirst {
		s.add(l.Name, c)
	}
	return nil
}

func (s *twoSteps) add(handler string, c figures.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range c.Add {
		i := slices.IndexFunc(s.rows, func(k keptRow) bool {
			return k.handler == handler && k.Period == r.Period && k.Start.Equal(r.Start) && k.Source == r.Source
		})
		if i < 0 {
			i = len(s.rows)
			s.rows = append(s.rows, keptRow{handler, figures.Row{Period: r.Period, Start: r.Start, Source: r.Source}})
		}
		s.rows[i].Counts.Add(r.Counts)
	}
}

func (s *twoSteps) Counts(_ context.Context, handler string, period time.Duration, from, until time.Time) (list []figures.Row, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.rows {
		if k.handler == handler && k.Period == period && !k.Start.Before(from) && k.Start.Before(until) {
			r := k.Row
			r.Counts = slices.Clone(r.Counts)
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b figures.Row) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Source, b.Source)) })
	return list, nil
}

// lastCounts has the rows of the latest batch only.
type lastCounts struct{ *twoSteps }

func (s lastCounts) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	s.rows = nil
	return s.twoSteps.Count(ctx, l, b, c)
}

type allCounts struct{ *memory.Store }

func (s allCounts) Counts(ctx context.Context, handler string, period time.Duration, _, _ time.Time) ([]figures.Row, error) {
	return s.Store.Counts(ctx, handler, period, time.Time{}, time.Unix(1<<40, 0))
}

type forgetsNothing struct{ *memory.Store }

func (s forgetsNothing) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	c.Forget = nil
	return s.Store.Count(ctx, l, b, c)
}

type countsOn struct{ *memory.Store }

func (s countsOn) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	return s.Store.Count(context.WithoutCancel(ctx), l, b, c)
}

type countsFenceless struct{ *memory.Store }

func (s countsFenceless) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	l.Fence++ // of the next holder
	if err := s.Store.Count(ctx, l, b, c); err == nil {
		return nil
	}
	l.Fence--
	return s.Store.Count(ctx, l, b, c)
}
