package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// fill inserts n verifications that are not due before noon. One in ten is never
// due.
func fill(tb testing.TB, pool *pgxpool.Pool, n int) {
	tb.Helper()
	ctx := context.Background()
	_, err := pool.Exec(ctx, `INSERT INTO carrierfsm_verifications
			(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
		SELECT 'filler-' || i, 1, 0, 1, false, CASE WHEN i % 10 > 0 THEN $2::timestamptz + i * interval '1 millisecond' END, $2, $2, '\x01',
			CASE WHEN i % 10 > 0 THEN 'created' ELSE 'done' END, '', '', '', decode(repeat(md5(i::text), 37), 'hex')
		FROM generate_series(1, $1) i`, n, noon)
	require.NoError(tb, err)
	_, err = pool.Exec(ctx, `VACUUM ANALYZE carrierfsm_verifications`)
	require.NoError(tb, err)
}

func TestTheCostOfDueDoesNotGrowWithRowsThatAreNotDue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pagesRead := func(others int) (n int) {
		s, _ := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
			config.MaxConns = 1
			config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan" // as after a few calls
		}))
		pool := s.Pool()
		fill(t, pool, others)
		for i := range 3 {
			r := record(fmt.Sprintf("v%d", i))
			r.Due = noon.Add(-time.Minute)
			require.NoError(t, s.Create(ctx, r))
		}
		list, err := s.Due(ctx, noon, carrierfsm.PageKey{}, 100)
		require.NoError(t, err)
		require.Len(t, list, 3)
		var plan []struct {
			Plan struct {
				Hit  int `json:"Shared Hit Blocks"`
				Read int `json:"Shared Read Blocks"`
			}
		}
		require.NoError(t, pool.QueryRow(ctx, `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+postgres.ReadDue,
			noon, time.Time{}, "", int64(100)).Scan(&plan))
		return plan[0].Plan.Hit + plan[0].Plan.Read
	}
	require.LessOrEqual(t, pagesRead(20_000), pagesRead(100)+3, "a deeper index costs some pages")
}

// BenchmarkDue calls Due while no record is due.
func BenchmarkDue(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("waiting=%d", n), func(b *testing.B) {
			pool := pgtest.Pool(b, cluster.Cluster(b).NewDatabase(b), 2)
			s, _ := openOn(b, pool)
			fill(b, pool, n)
			b.ReportAllocs()
			for b.Loop() {
				list, err := s.Due(context.Background(), noon, carrierfsm.PageKey{}, 100)
				require.NoError(b, err)
				require.Empty(b, list)
			}
		})
	}
}
