package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// fillHistories inserts n verifications with two entries each, created one a second
// before noon.
func fillHistories(tb testing.TB, pool *pgxpool.Pool, n int) {
	tb.Helper()
	for _, sql := range []string{
		`INSERT INTO carrierfsm_verifications
			(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
		SELECT 'filler-' || i, 3, 2, 1, false, NULL, $2::timestamptz - i * interval '1 second', $2, '\x01', 'failed', '', 'expired', '', '{}'
		FROM generate_series(1, $1) i`,
		`INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
		SELECT 'filler-' || i, step, 'created', 'expired', 'failed', $2::timestamptz, decode(repeat(md5(i::text), 5), 'hex')
		FROM generate_series(1, $1) i, generate_series(1, 2) step`,
	} {
		_, err := pool.Exec(context.Background(), sql, n, noon)
		require.NoError(tb, err)
	}
	_, err := pool.Exec(context.Background(), `VACUUM ANALYZE carrierfsm_verifications, carrierfsm_history`)
	require.NoError(tb, err)
}

func TestTheCostOfASurveyDoesNotGrowWithOtherVerifications(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pagesRead := func(others int) (n int) {
		s, _ := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
			config.MaxConns = 1
			config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan" // as after a few calls
		}))
		pool := s.Pool()
		fillHistories(t, pool, others)
		from := noon.Add(-30 * time.Second)
		list, err := s.Survey(ctx, from, noon, 20)
		require.NoError(t, err)
		require.Len(t, list, 20)
		require.Len(t, list[0].Entries, 2)
		ids := make([]string, len(list))
		for i, c := range list {
			ids[i] = c.Record.ID
		}
		for sql, args := range map[string][]any{postgres.SurveyRecords: {from, noon, int64(20)}, postgres.SurveyEntries: {ids}} {
			var plan []struct {
				Plan struct {
					Hit  int `json:"Shared Hit Blocks"`
					Read int `json:"Shared Read Blocks"`
				}
			}
			require.NoError(t, pool.QueryRow(ctx, `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+sql, args...).Scan(&plan))
			n += plan[0].Plan.Hit + plan[0].Plan.Read
		}
		return n
	}
	few, many := pagesRead(200), pagesRead(20_000)
	t.Logf("pages read: %d with 200 verifications, %d with 20,000", few, many)
	require.LessOrEqual(t, many, few+30, "a deeper index costs a page for each")
}
