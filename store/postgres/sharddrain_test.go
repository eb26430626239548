package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// drainable returns a store that says which shard a database is, and one that is bound.
func drainable(t *testing.T, open func(t *testing.T, dsn string) *postgres.Store) (mover, bound *postgres.Store) {
	t.Helper()
	dsn := cluster.Cluster(t).NewDatabase(t)
	mover, _ = openOn(t, pgtest.Pool(t, dsn, 4))
	require.NoError(t, mover.SetShard(t.Context(), "a", 1, "0-1024/1024"))
	bound = open(t, dsn)
	bound.BindShard(1)
	return mover, bound
}

func openFast(t *testing.T, dsn string) *postgres.Store {
	t.Helper()
	s, _ := openOn(t, pgtest.Pool(t, dsn, 8))
	return s
}

// One statement writes the outcomes of a batch and refuses the intents, whatever it spends.
func TestABatchOnADrainingShardHasItsOutcomesOnly(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T, dsn string) *postgres.Store{"fast": openFast, "plain": openPlain} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			mover, s := drainable(t, open)
			for _, spends := range []bool{false, true} {
				var commits, creations []write.Request
				for i := range 9 {
					r := record(fmt.Sprintf("v%d-%v", i, spends))
					r.InFlight = i%3 > 0 // every third is idle
					if i == 8 {
						r.Key = ""
					}
					require.NoError(t, s.Create(ctx, r))
					c := write.Request{Record: commitWith(r, 0).Record}
					if i%3 == 1 {
						c = nextCommit(r)
					}
					c.Record.InFlight = i%3 != 1 // an intent, an outcome, a cancellation of the call under way
					fresh := write.Request{Record: record(fmt.Sprintf("new%d-%v", i, spends))}
					fresh.Record.InFlight = i%3 == 0
					if spends {
						c.Record.Spends = []budget.Spend{{Key: "of-" + r.ID, Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 1}}
						fresh.Record.Spends = []budget.Spend{{Key: "of-" + fresh.Record.ID, Kind: budget.Texts, At: noon, N: 1, Window: budget.Day, Limit: 1}}
					}
					commits, creations = append(commits, c), append(creations, fresh)
				}
				require.NoError(t, mover.DrainShard(ctx, 1, true))
				for _, list := range []struct {
					requests []write.Request
					errs     []error
				}{{commits, s.CommitBatch(ctx, commits...)}, {creations, s.CreateBatch(ctx, creations...)}} {
					for i, r := range list.requests {
						stored, err := s.Load(ctx, r.Record.ID)
						ledger, other := s.Ledger(ctx, "of-"+r.Record.ID)
						require.NoError(t, other)
						if i%3 > 0 {
							require.NoError(t, errors.Join(list.errs[i], err))
							require.Equal(t, []any{r.Record.Version, r.Record.InFlight}, []any{stored.Version, stored.InFlight})
							require.Len(t, ledger.Stamps, len(r.Record.Spends))
							continue
						}
						require.Equal(t, carrierfsm.ErrMoved, list.errs[i])
						require.Equal(t, r.Record.Version-1, stored.Version)
						require.Empty(t, ledger.Stamps)
					}
				}
				require.NoError(t, mover.DrainShard(ctx, 1, false))
				for i := range commits {
					if i%3 == 0 {
						require.NoError(t, errors.Join(s.Commit(ctx, commits[i].Record), s.Create(ctx, creations[i].Record)))
					}
				}
			}
		})
	}
}

// While many begin calls and end them, the shard drains: each intent that was acknowledged
// is there, none is written after DrainShard has returned, and each outcome is.
func TestNoCallBeginsOnAShardThatDrains(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mover, s := drainable(t, openFast)
	const writers = 24 // more than write alone
	var calls, refused atomic.Int32
	var begun, all sync.WaitGroup
	begun.Add(writers)
	hold := make(chan struct{})
	for i := range writers {
		all.Go(func() {
			once := sync.OnceFunc(begun.Done)
			defer once()
			r := record(fmt.Sprintf("v%d", i))
			err := s.Create(ctx, r)
			for tries := 0; err == nil; tries++ {
				if tries == 5 {
					once()
				}
				intent := commitWith(r, 0).Record
				intent.InFlight = true
				if i%2 == 0 {
					intent.Spends = []budget.Spend{{Key: r.Key, Kind: budget.Texts, At: noon.Add(time.Duration(tries) * budget.Day), N: 1, Window: budget.Day, Limit: 1}}
				}
				if err = s.Commit(ctx, intent); errors.Is(err, carrierfsm.ErrMoved) {
					refused.Add(1)
					return
				}
				calls.Add(1)
				if tries > 5 && i%3 == 0 {
					<-hold // the call ends after the shard drains
				}
				outcome := nextCommit(intent)
				outcome.Record.InFlight, outcome.Record.Spends = false, nil
				if err = errors.Join(err, s.Commit(ctx, outcome.Record, outcome.Entries...)); err == nil {
					calls.Add(-1)
				}
				r = outcome.Record
			}
			t.Errorf("writer %d: %v", i, err)
		})
	}
	begun.Wait()
	require.NoError(t, mover.DrainShard(ctx, 1, true))
	inFlight, err := mover.List(ctx, carrierfsm.Query{InFlight: true})
	require.NoError(t, err)
	close(hold)
	all.Wait()
	require.EqualValues(t, writers, refused.Load())
	require.Zero(t, calls.Load())
	for _, r := range inFlight {
		stored, err := mover.Load(ctx, r.ID)
		require.NoError(t, err)
		require.Equal(t, r.Version+1, stored.Version, "the outcome, and nothing after it")
	}
	inFlight, err = mover.List(ctx, carrierfsm.Query{InFlight: true})
	require.NoError(t, err)
	require.Empty(t, inFlight)
}

// An intent that took its snapshot before the shard drains, and waits for a lock, would not
// see that: DrainShard waits for it.
func TestDrainShardWaitsForTheIntentsThatRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	mover, s := drainable(t, openFast)
	r := createRecord(t, s, "v1")
	unlock := lockRow(t, mover.Pool(), "v1")
	committed, drains := make(chan error, 1), make(chan error, 1)
	waiting := func(n int) func() bool {
		return func() bool {
			var found int
			err := s.Pool().QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&found)
			return err == nil && found >= n || len(drains) > 0
		}
	}
	intent := commitWith(r, 0).Record
	intent.InFlight = true
	go func() { committed <- s.Commit(ctx, intent) }()
	require.Eventually(t, waiting(1), time.Minute, time.Millisecond)
	go func() { drains <- mover.DrainShard(ctx, 1, true) }()
	require.Eventually(t, waiting(2), time.Minute, time.Millisecond)
	waits := len(drains) == 0
	unlock()
	require.True(t, waits, "DrainShard has not waited")
	require.NoError(t, <-committed)
	require.NoError(t, <-drains)
	name, epoch, slots, err := mover.Shard(ctx)
	require.NoError(t, err)
	require.Equal(t, []any{"a", int64(1), "draining 0-1024/1024"}, []any{name, epoch, slots})
}
