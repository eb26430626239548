package sharded_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// opener opens the shards of one subject, and again after a crash; again is nil where
// they do not outlive their process.
type opener func(tb testing.TB) (open func(i int) sharded.Member, again func(i int) sharded.Member)

func memories(testing.TB) (open, again func(i int) sharded.Member) { return inMemory, nil }

func files(tb testing.TB) (open, again func(i int) sharded.Member) {
	tb.Helper()
	open = inFiles(tb, tb.TempDir())
	return open, open
}

func servers(tb testing.TB) (open, again func(i int) sharded.Member) {
	tb.Helper()
	open = inDatabases(tb, databases(tb))
	return open, open
}

// testContract runs the contracts of a store on a store of several shards.
func testContract(t *testing.T, o opener) {
	t.Helper()
	subject := func(tb testing.TB) fsmtest.OutboxSubject {
		tb.Helper()
		first, again := o(tb)
		s := fsmtest.OutboxSubject{Store: place(tb, config(first))}
		if again != nil {
			s.Reopen = func() (outbox.Store, error) { return place(tb, config(again)), nil }
		}
		return s
	}
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
			tb.Helper()
			s := subject(tb)
			all := fsmtest.StoreSubject{Store: s.Store}
			if s.Reopen != nil {
				all.Reopen = func() (carrierfsm.Store, error) { return s.Reopen() }
			}
			return all
		})
	})
	t.Run("outbox", func(t *testing.T) {
		t.Parallel()
		fsmtest.TestOutbox(t, subject)
	})
	t.Run("surveyor", func(t *testing.T) {
		t.Parallel()
		fsmtest.TestSurveyor(t, func(tb testing.TB) fsmtest.SurveyorSubject {
			tb.Helper()
			return fsmtest.SurveyorSubject{Store: subject(tb).Store.(*placed)}
		})
	})
	t.Run("figures", func(t *testing.T) {
		t.Parallel()
		fsmtest.TestFigures(t, func(tb testing.TB) fsmtest.FiguresSubject {
			tb.Helper()
			s := subject(tb)
			all := fsmtest.FiguresSubject{Store: s.Store.(*placed)}
			if s.Reopen != nil {
				all.Reopen = func() (fsmtest.FiguresStore, error) {
					again, err := s.Reopen()
					if err != nil {
						return nil, err
					}
					return again.(*placed), nil
				}
			}
			return all
		})
	})
	t.Run("acts", func(t *testing.T) {
		t.Parallel()
		fsmtest.TestActs(t, func(tb testing.TB) fsmtest.ActsSubject {
			tb.Helper()
			return fsmtest.ActsSubject{Store: subject(tb).Store.(*placed)}
		})
	})
	t.Run("auditor", func(t *testing.T) {
		t.Parallel()
		fsmtest.TestAuditor(t, func(tb testing.TB) fsmtest.AuditorSubject {
			tb.Helper()
			return fsmtest.AuditorSubject{Store: subject(tb).Store.(*placed)}
		})
	})
}

func TestAStoreOfSeveralShardsKeepsTheContractInMemory(t *testing.T) {
	t.Parallel()
	testContract(t, memories)
}

func TestAStoreOfSeveralShardsKeepsTheContractOnSQLite(t *testing.T) {
	t.Parallel()
	testContract(t, files)
}

func TestAStoreOfSeveralShardsKeepsTheContractOnPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster.Cluster(t)
	testContract(t, servers)
}

// The stores of the contract are on several shards, where the case is not about a key.
func TestTheContractUsesAllShards(t *testing.T) {
	t.Parallel()
	s := place(t, config(inMemory))
	used := make(map[int]bool)
	for _, id := range []string{"v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"} {
		require.NoError(t, s.Create(t.Context(), carrierfsm.Record{ID: id, Key: "key-of-" + id, State: carrierfsm.Created, Version: 1, Created: noon, Updated: noon}))
		used[s.ShardOf(id)] = true
	}
	require.Len(t, used, shards)
}

// What the shards count is one sum, whichever of them has the transitions.
func TestTheFiguresOfAllShardsAreOneSum(t *testing.T) {
	t.Parallel()
	s := open(t, config(inMemory))
	start := noon.Truncate(time.Minute)
	createOnThree(t, s)
	l, err := s.Acquire(t.Context(), "figures", "one", time.Hour, outbox.FromBeginning)
	require.NoError(t, err)
	for {
		b, err := s.Pending(t.Context(), l, 10)
		require.NoError(t, err)
		if len(b.Entries) == 0 {
			break
		}
		var counts figures.Counts
		for i := range b.Entries {
			counts.Observe(&b.Entries[i])
		}
		require.NoError(t, s.Count(t.Context(), l, b, figures.Change{Add: []figures.Row{{Period: figures.Minute, Start: start, Counts: counts}}}))
	}
	rows, err := s.Counts(t.Context(), "figures", figures.Minute, start, start.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	edge := carrierfsm.Edge{From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created}
	require.EqualValues(t, 3, rows[0].Counts.Of(edge).N)
}

// createOnThree creates a verification with one transition on each of the shards a, b and d.
func createOnThree(t *testing.T, s *sharded.Store) {
	t.Helper()
	for _, id := range []string{"s000-v", "s100-v", "s3ff-v"} {
		require.NoError(t, s.Create(t.Context(), carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Step: 1, Created: noon, Updated: noon},
			carrierfsm.Entry{ID: id, Step: 1, From: carrierfsm.Created, Event: carrierfsm.OutcomeUnknown, To: carrierfsm.Created, At: noon}))
	}
}

func TestAProjectionIsObservedWithItsShard(t *testing.T) {
	t.Parallel()
	s := open(t, config(inMemory))
	createOnThree(t, s)
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: fsmtest.Instant{}})
	require.NoError(t, err)
	counters, err := figures.New(figures.Config{Store: s})
	require.NoError(t, err)
	var shards []string // Deliver takes one after the other
	d, err := outbox.New(m, s, outbox.Config{
		Projections: []outbox.Projection{counters},
		Starts:      map[string]outbox.Start{counters.Name(): outbox.FromBeginning},
		Observer: &outbox.Observer{Handle: func(ctx context.Context, h outbox.HandleStart) (context.Context, func(outbox.HandleDone)) {
			shards = append(shards, h.Shard)
			return ctx, func(outbox.HandleDone) {}
		}},
	})
	require.NoError(t, err)
	_, err = d.Deliver(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"a", "b", "d"}, shards)
}
