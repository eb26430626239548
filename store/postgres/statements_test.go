package postgres_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// The server plans a statement five times before it may keep a generic plan. It
// keeps none if it estimates that plans for the actual values are cheaper.
func TestAStatementIsPlannedOnce(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{"without a key": "", "with a key": "key-"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
			for i := range 9 {
				r := record(strconv.Itoa(i))
				r.Key = key
				if key != "" {
					r.Key += r.ID
				}
				require.NoError(t, s.Create(ctx, r))
				for n := range 3 {
					var entries []carrierfsm.Entry
					r.Version++
					for range n {
						after, e := next(r)
						r.Step, entries = after.Step, append(entries, e)
					}
					require.NoError(t, s.Commit(ctx, r, entries...))
				}
				_, err := s.Load(ctx, r.ID)
				require.NoError(t, err)
			}
			rows, err := pool.Query(ctx, `SELECT statement FROM pg_prepared_statements WHERE custom_plans > 5 AND statement LIKE '%carrierfsm%'`)
			require.NoError(t, err)
			replanned, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err)
			require.Empty(t, replanned)
		})
	}
}

// The server keeps plans that it has made for empty tables while the tables grow, so
// they must use indexes too.
func TestStatementsUseIndexesInNewTables(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	_, err := pool.Exec(ctx, `SET plan_cache_mode = force_generic_plan`)
	require.NoError(t, err)
	for i, sql := range s.CommonStatements() {
		name := "statement" + strconv.Itoa(i)
		_, err := pool.Exec(ctx, `PREPARE `+name+` AS `+sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		nulls := "NULL" + strings.Repeat(", NULL", parameters(sql)-1)
		rows, err := pool.Query(ctx, `EXPLAIN EXECUTE `+name+`(`+nulls+`)`, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.NotContains(t, strings.Join(plan, "\n"), "Seq Scan on carrierfsm", sql)
	}
}

func TestAKeyIsFoundByItsIndex(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	_, err := pool.Exec(ctx, `INSERT INTO carrierfsm_verifications (id, state, step, version, tables, source, reason, in_flight, created, updated, key, commit_id, body)
		SELECT 'v' || i, 'created', 0, 1, 1, '', '', false, now() + i * interval '1 s', now(), CASE WHEN i % 10 = 0 THEN 'key' || i ELSE '' END, '', '' FROM generate_series(1, 5000) i;
		ANALYZE carrierfsm_verifications`)
	require.NoError(t, err)
	sql, args := postgres.ListQuery(carrierfsm.Query{Key: "key10", Bodies: true})
	for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
		_, err = pool.Exec(ctx, `SET plan_cache_mode = `+mode)
		require.NoError(t, err)
		rows, err := pool.Query(ctx, `EXPLAIN `+sql, args...)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Contains(t, strings.Join(plan, "\n"), "Index Scan using carrierfsm_key", mode)
	}
}

// parameters returns the number of parameters of a statement.
func parameters(sql string) (n int) {
	for strings.Contains(sql, "$"+strconv.Itoa(n+1)) {
		n++
	}
	return n
}
