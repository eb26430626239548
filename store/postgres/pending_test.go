package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// The server keeps a plan that it made while nothing was parked. When many verifications
// are parked before it looks again, each entry must still find its own by the index.
func TestEachPendingEntryFindsItsParkedRowByTheIndex(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	database := cluster.Cluster(t).NewDatabase(t)
	other := pgtest.Pool(t, database, 1)
	pool := pgtest.Pool(t, database, 1)
	s, _ := openOn(t, pool)
	const entries, parked = 40, 1000
	_, err := other.Exec(ctx, fmt.Sprintf(`INSERT INTO carrierfsm_history (id, step, from_, event, to_, at)
		SELECT 'v' || i, 1, '', '', '', now() FROM generate_series(1, %d) i`, entries))
	require.NoError(t, err)
	_, err = other.Exec(ctx, `VACUUM ANALYZE carrierfsm_parked`)
	require.NoError(t, err)
	r := acquire(t, s, "reader", outbox.FromBeginning)
	for range 8 { // by then it keeps the plan
		_, err = s.Pending(ctx, r.lease, entries)
		require.NoError(t, err)
	}
	_, err = other.Exec(ctx, fmt.Sprintf(`INSERT INTO carrierfsm_parked (handler, id, step, upto, attempts, why, since, next, version)
		SELECT 'reader', 'v' || i, 1, 1, 0, 'slow', now(), now(), 1 FROM generate_series(11, %d) i`, parked))
	require.NoError(t, err)
	const again = 3
	for range again {
		b, err := s.Pending(ctx, r.lease, entries)
		require.NoError(t, err)
		require.Len(t, b.Parked, entries-10)
	}
	require.NoError(t, s.Close())
	pool.Close() // a session reports what it has read at its end
	require.Eventually(t, func() bool {
		var whole, byIndex int
		err := other.QueryRow(ctx, `SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = 'carrierfsm_parked'`).Scan(&whole, &byIndex)
		require.NoError(t, err)
		return whole == 0 && byIndex >= entries*again
	}, time.Minute, 10*time.Millisecond, "each entry is looked up once, and the table never read as a whole")
}

// What Pending forbids the server to read as a whole, it must be able to read by an index, on
// a shard too. Where it is not, the plan has so high a cost that the server compiles it: 300 ms.
func TestPendingReadsNoTableAsAWhole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	for _, shard := range []bool{false, true} {
		if shard {
			s.BindShard(1)
		}
		before, sql := s.ReadPending()
		tx, err := pool.Begin(ctx)
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback(ctx) }) // so that a failing test ends
		_, err = tx.Exec(ctx, before)
		require.NoError(t, err)
		rows, err := tx.Query(ctx, `EXPLAIN `+sql, "reader", int64(1), "owner", int64(100), int32(10))
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.NotContains(t, strings.Join(plan, "\n"), "Seq Scan on carrierfsm", "on a shard: %v", shard)
		require.NoError(t, tx.Rollback(ctx))
	}
}
