package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

func TestPostgresKeepsTheContractOfALogOfActs(t *testing.T) {
	t.Parallel()
	fsmtest.TestActs(t, func(tb testing.TB) fsmtest.ActsSubject {
		tb.Helper()
		s, pool := open(tb)
		return fsmtest.ActsSubject{Store: s, Reopen: func() (carrierfsm.Store, error) {
			again, _ := openOn(tb, pool)
			return again, nil
		}}
	})
}

func TestEveryExecModeLogsActs(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		ctx := carrierfsm.ByOperator(t.Context(), "ann")
		config := pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 2).Config()
		config.ConnConfig.DefaultQueryExecMode = mode
		s, err := postgres.New(ctx, config)
		require.NoError(t, err)
		err = acts.Do(ctx, s, acts.Act{Kind: acts.Erase, Verification: "v1", Reason: "它's \\ \"asked\""}, func(context.Context) (int, error) { return 1, nil })
		require.NoError(t, err, "%v", mode)
		list, err := s.Acts(ctx, acts.Query{
			Operator: "ann", Verification: "v1", Kinds: acts.Changing(), Since: time.Now().Add(-time.Hour), Before: time.Now().Add(time.Hour),
			After: carrierfsm.PageKey{Time: time.Now().Add(time.Hour), ID: "x"}, Limit: 9,
		})
		require.NoError(t, err, "%v", mode)
		require.Len(t, list, 1, "%v", mode)
		require.Equal(t, `它's \ "asked"`, list[0].Reason)
		require.Equal(t, acts.Done, list[0].Outcome)
		n, err := s.PurgeActs(ctx, time.Now().Add(time.Hour), 9)
		require.NoError(t, err, "%v", mode)
		require.Equal(t, 1, n)
		require.NoError(t, s.Close())
	}
}

func TestActsAreReadByAnIndex(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	_, err := pool.Exec(ctx, `INSERT INTO carrierfsm_acts (id, at, operator, kind, verification, handler, step, count, reason, outcome)
		SELECT 'a' || i, now() - i * interval '1 s', 'ann', 'show', 'v' || i % 1000, '', 0, 1, '', 'done' FROM generate_series(1, 20000) i;
		ANALYZE carrierfsm_acts`)
	require.NoError(t, err)
	for index, q := range map[string]acts.Query{
		"carrierfsm_acts_at":           {Kinds: acts.Looking()},
		"carrierfsm_acts_verification": {Verification: "v1"},
	} {
		sql, args := postgres.ActsQuery(q)
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			_, err = pool.Exec(ctx, `SET plan_cache_mode = `+mode)
			require.NoError(t, err)
			rows, err := pool.Query(ctx, `EXPLAIN `+sql, args...)
			require.NoError(t, err)
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Contains(t, strings.Join(plan, "\n"), index, mode)
			require.NotContains(t, strings.Join(plan, "\n"), "Seq Scan", mode)
		}
	}
}
