package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// Only who makes the database a shard needs rights to the table that says so.
func TestARoleOfAShardLearnsWhatToGrant(t *testing.T) {
	t.Parallel()
	_, pool := open(t)
	config := as(t, pool, "no_shard")
	_, err := pool.Exec(t.Context(), `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO no_shard;
		GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO no_shard; REVOKE ALL ON carrierfsm_shard FROM no_shard`)
	require.NoError(t, err)
	s, err := postgres.New(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	_, _, _, err = s.Shard(t.Context())
	require.ErrorIs(t, err, postgres.ErrUnusable)
	require.ErrorContains(t, err, "GRANT SELECT, INSERT, UPDATE ON TABLE carrierfsm_shard")
}

// A statement must see what was committed when it got its locks.
func TestAShardNeedsReadCommitted(t *testing.T) {
	t.Parallel()
	pool := newPool(t, cluster.Cluster(t).NewDatabase(t), func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_isolation"] = "repeatable read"
	})
	s, _ := openOn(t, pool)
	_, _, _, err := s.Shard(t.Context())
	require.ErrorIs(t, err, postgres.ErrUnusable)
	require.ErrorContains(t, err, "read committed")
}

// While many write, SetShard puts the database into the next epoch: each commit that was
// acknowledged is there, and none is made after SetShard has returned. All kinds of
// writes are tried: alone and in batches, with a key, with spends, in transactions, and
// those of the outbox.
func TestNoWriteOfAnOlderEpochIsCommittedAfterTheSwitch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	mover, pool := openOn(t, pgtest.Pool(t, dsn, 2))
	require.NoError(t, mover.SetShard(ctx, "a", 1, "0-1024/1024"))
	old, _ := openOn(t, pgtest.Pool(t, dsn, 8))
	old.BindShard(1)
	const writers = 24 // more than write alone
	var acknowledged [writers]int
	var refused atomic.Int32
	var begun, all sync.WaitGroup
	begun.Add(writers)
	for i := range writers {
		all.Go(func() {
			once := sync.OnceFunc(begun.Done)
			defer once()
			p := record(fmt.Sprintf("v%d", i))
			if i%2 == 0 {
				p.Key = ""
			}
			err := old.Create(ctx, p)
			for tries := 0; err == nil; tries++ {
				acknowledged[i]++
				if tries == 5 {
					once()
				}
				n := nextCommit(p)
				if i%3 == 0 {
					err = old.Erase(ctx, n.Record, n.Entries...)
				} else {
					err = old.Commit(ctx, n.Record, n.Entries...)
				}
				p = n.Record
			}
			if errors.Is(err, carrierfsm.ErrMoved) {
				refused.Add(1)
			} else {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	begun.Wait()
	require.NoError(t, mover.SetShard(ctx, "a", 2, "0-1024/1024"))
	const sum = `SELECT count(*), coalesce(sum(version), 0), coalesce(max(position), 0) FROM carrierfsm_verifications v LEFT JOIN carrierfsm_history h USING (id, step)`
	var count, versions, position [2]int64
	require.NoError(t, pool.QueryRow(ctx, sum).Scan(&count[0], &versions[0], &position[0]))
	all.Wait()
	require.NoError(t, pool.QueryRow(ctx, sum).Scan(&count[1], &versions[1], &position[1]))
	require.Equal(t, [3]int64{count[0], versions[0], position[0]}, [3]int64{count[1], versions[1], position[1]}, "after the switch nothing changes")
	total := 0
	for _, n := range acknowledged {
		total += n
	}
	require.EqualValues(t, total, versions[1], "each acknowledged commit is there, and no other")
	require.EqualValues(t, writers, refused.Load())

	require.ErrorIs(t, old.Park(ctx, []outbox.Parked{{Handler: "h", ID: "v1", Step: 1, Upto: 1, Since: noon, Next: noon, Version: 1}}), carrierfsm.ErrMoved)
	_, err := old.Acquire(ctx, "h", "one", time.Hour, outbox.FromBeginning)
	require.Error(t, err)
	_, err = old.Purge(ctx, noon, 1)
	require.ErrorIs(t, err, carrierfsm.ErrMoved)
	require.ErrorIs(t, mover.SetShard(ctx, "a", 2, ""), carrierfsm.ErrConflict)
}

// A commit that took its snapshot before the switch, and waits for a lock, would not see
// the new epoch: SetShard waits for it.
func TestSetShardWaitsForTheCommitsThatRun(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	mover, pool := openOn(t, pgtest.Pool(t, dsn, 3))
	require.NoError(t, mover.SetShard(ctx, "a", 1, ""))
	old, _ := openOn(t, pgtest.Pool(t, dsn, 3))
	old.BindShard(1)
	r := createRecord(t, old, "v1")
	unlock := lockRow(t, pool, "v1")
	committed, switched := make(chan error, 1), make(chan error, 1)
	waiting := func(n int) func() bool {
		return func() bool {
			var found int
			err := pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&found)
			return err == nil && found >= n || len(switched) > 0
		}
	}
	go func() {
		p := nextCommit(r)
		committed <- old.Commit(ctx, p.Record, p.Entries...)
	}()
	require.Eventually(t, waiting(1), time.Minute, time.Millisecond)
	go func() { switched <- mover.SetShard(ctx, "a", 2, "") }()
	require.Eventually(t, waiting(2), time.Minute, time.Millisecond)
	waits := len(switched) == 0
	unlock()
	require.True(t, waits, "SetShard has not waited")
	require.NoError(t, <-committed)
	require.NoError(t, <-switched)
}
