package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// fillHistories inserts so many verifications that were created before noon, a
// second apart, each with two entries.
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

func TestASurveyReadsNoMoreHoweverManyAreNotLookedAt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pages := func(others int) (n int) {
		s, _ := openOn(t, poolOf(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
			config.MaxConns = 1
			config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan" // as after some calls
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
	few, many := pages(200), pages(20_000)
	t.Logf("pages read: %d beside 200, %d beside 20,000", few, many)
	require.LessOrEqual(t, many, few+30, "a deeper index is a page more for each")
}
