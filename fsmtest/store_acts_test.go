package fsmtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// actLog is a store with another log of acts.
type actLog struct {
	*memory.Store
	log   func(ctx context.Context, s *memory.Store, a acts.Act) error
	end   func(ctx context.Context, s *memory.Store, id string, o acts.Outcome, n int) error
	list  func(ctx context.Context, s *memory.Store, q acts.Query) ([]acts.Act, error)
	purge func(ctx context.Context, s *memory.Store, before time.Time, limit int) (int, error)
}

func (s actLog) LogAct(ctx context.Context, a acts.Act) error {
	if s.log != nil {
		return s.log(ctx, s.Store, a)
	}
	return s.Store.LogAct(ctx, a)
}

func (s actLog) EndAct(ctx context.Context, id string, o acts.Outcome, n int) error {
	if s.end != nil {
		return s.end(ctx, s.Store, id, o, n)
	}
	return s.Store.EndAct(ctx, id, o, n)
}

func (s actLog) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	if s.list != nil {
		return s.list(ctx, s.Store, q)
	}
	return s.Store.Acts(ctx, q)
}

func (s actLog) PurgeActs(ctx context.Context, before time.Time, limit int) (int, error) {
	if s.purge != nil {
		return s.purge(ctx, s.Store, before, limit)
	}
	return s.Store.PurgeActs(ctx, before, limit)
}

// forgetsActs deletes the acts with their verification.
type forgetsActs struct{ actLog }

func (s forgetsActs) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	_, _ = s.Store.PurgeActs(ctx, time.Now().Add(time.Hour), 1000)
	return s.Store.Erase(ctx, r, e...)
}

func TestTheSuiteFindsEachBrokenLogOfActs(t *testing.T) {
	t.Parallel()
	changed := func(change func(*acts.Act)) actLog {
		return actLog{log: func(ctx context.Context, s *memory.Store, a acts.Act) error {
			change(&a)
			return s.LogAct(ctx, a)
		}}
	}
	asked := func(change func(*acts.Query)) actLog {
		return actLog{list: func(ctx context.Context, s *memory.Store, q acts.Query) ([]acts.Act, error) {
			change(&q)
			return s.Acts(ctx, q)
		}}
	}
	for _, b := range []struct {
		what, rule string
		log        actLog
	}{
		{"no reasons", "ActRoundTrip", changed(func(a *acts.Act) { a.Reason = "" })},
		{"no counts", "ActRoundTrip", changed(func(a *acts.Act) { a.Count = 0 })},
		{"looks stay open", "ActRoundTrip", changed(func(a *acts.Act) { a.Outcome = "" })},
		{"the caller's clock", "ActRoundTrip", actLog{list: func(ctx context.Context, s *memory.Store, q acts.Query) ([]acts.Act, error) {
			list, err := s.Acts(ctx, q)
			for i := range list {
				list[i].At = time.Date(2030, 6, 1, 12, 0, 0, 123456000, time.UTC)
			}
			return list, err
		}}},
		{"an id twice", "ActID", actLog{log: func(ctx context.Context, s *memory.Store, a acts.Act) error {
			_ = s.LogAct(ctx, a)
			return ctx.Err()
		}}},
		{"many outcomes", "ActOutcome", actLog{end: func(ctx context.Context, s *memory.Store, id string, o acts.Outcome, n int) error {
			_ = s.EndAct(ctx, id, o, n)
			return nil
		}}},
		{"no counts of what was done", "ActOutcome", actLog{end: func(ctx context.Context, s *memory.Store, id string, o acts.Outcome, _ int) error {
			return s.EndAct(ctx, id, o, 9)
		}}},
		{"oldest first", "ActOrder", actLog{list: func(ctx context.Context, s *memory.Store, q acts.Query) ([]acts.Act, error) {
			list, err := s.Acts(ctx, q)
			slices.Reverse(list)
			return list, err
		}}},
		{"each page is the first", "ActOrder", asked(func(q *acts.Query) { q.After = carrierfsm.PageKey{} })},
		{"no limit", "ActOrder", asked(func(q *acts.Query) { q.Limit = 1000 })},
		{"any operator", "ActFilters", asked(func(q *acts.Query) { q.Operator = "" })},
		{"any verification", "ActFilters", asked(func(q *acts.Query) { q.Verification = "" })},
		{"any handler", "ActFilters", asked(func(q *acts.Query) { q.Handler = "" })},
		{"any kind", "ActFilters", asked(func(q *acts.Query) { q.Kinds = nil })},
		{"ended too", "ActFilters", asked(func(q *acts.Query) { q.Open = false })},
		{"since ever", "ActFilters", asked(func(q *acts.Query) { q.Since = time.Time{} })},
		{"without an end", "ActFilters", asked(func(q *acts.Query) { q.Before = time.Time{} })},
		{"times in whole milliseconds", "ActQueries", asked(func(q *acts.Query) { q.Since = q.Since.Truncate(time.Millisecond) })},
		{"reasons are cut", "ActBounds", changed(func(a *acts.Act) { a.Reason = a.Reason[:min(100, len(a.Reason))] })},
		{"one more is counted than was purged", "ActPurge", actLog{purge: func(ctx context.Context, s *memory.Store, before time.Time, limit int) (n int, err error) {
			n, err = s.PurgeActs(ctx, before, limit-1)
			return n + min(max(limit, 0), 1), err
		}}},
		{"no limit of a purge", "ActPurge", actLog{purge: func(ctx context.Context, s *memory.Store, before time.Time, _ int) (int, error) {
			return s.PurgeActs(ctx, before, 1000)
		}}},
		{"all is purged", "ActPurge", actLog{purge: func(ctx context.Context, s *memory.Store, _ time.Time, limit int) (int, error) {
			return s.PurgeActs(ctx, time.Now().Add(time.Hour), limit)
		}}},
		{"two outcomes at once", "ActsTogether", actLog{end: func(ctx context.Context, s *memory.Store, id string, o acts.Outcome, n int) error {
			if err := s.EndAct(ctx, id, o, n); err != nil && id == "a1" && n > 3 {
				return nil
			}
			return nil
		}}},
		{"any context", "ActContext", actLog{log: func(_ context.Context, s *memory.Store, a acts.Act) error {
			return s.LogAct(context.Background(), a)
		}}},
		{"no error after Close", "ActClosed", actLog{list: func(ctx context.Context, s *memory.Store, q acts.Query) ([]acts.Act, error) {
			list, _ := s.Acts(ctx, q)
			return list, ctx.Err()
		}}},
	} {
		t.Run(b.what, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckActs(t, func(testing.TB) fsmtest.ActsSubject {
				b.log.Store = memory.New()
				return fsmtest.ActsSubject{Store: b.log}
			})
			require.ErrorContains(t, err, b.rule+": ")
		})
	}
	err := fsmtest.CheckActs(t, func(testing.TB) fsmtest.ActsSubject {
		return fsmtest.ActsSubject{Store: forgetsActs{actLog{Store: memory.New()}}, Reopen: func() (carrierfsm.Store, error) { return memory.New(), nil }}
	})
	require.ErrorContains(t, err, "ActStays: ")
	require.ErrorContains(t, err, "ActReopen: ")
}
