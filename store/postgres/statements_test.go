package postgres_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// The server plans a statement five times before it may keep a generic plan. It
// keeps none if it estimates that plans for the actual values are cheaper.
func TestAStatementIsPlannedOnce(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(r *carrierfsm.Record){
		"without a key": func(r *carrierfsm.Record) { r.Key = "" },
		"with a key":    func(*carrierfsm.Record) {},
		"spending": func(r *carrierfsm.Record) {
			at := noon.Add(time.Duration(r.Version) * time.Minute)
			r.Spends = []budget.Spend{{Key: r.Key, Kind: budget.Texts, At: at, N: 1, Window: budget.Day, Limit: 9}}
		},
	} {
		for _, of := range []string{"", " on a shard"} {
			t.Run(name+of, func(t *testing.T) {
				t.Parallel()
				s, _ := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
				if of != "" {
					require.NoError(t, s.SetShard(t.Context(), "a", 1, "0-1024/1024"))
					s.BindShard(1)
				}
				requirePlannedOnce(t, s, set)
			})
		}
	}
}

// requirePlannedOnce runs each statement nine times. Every other time records are put in
// flight and taken out of it.
func requirePlannedOnce(t *testing.T, s *postgres.Store, set func(r *carrierfsm.Record)) {
	t.Helper()
	ctx := context.Background()
	for i := range 9 {
		var list [3]write.Request // the last two go as a batch
		for n := range list {
			list[n].Record = record(fmt.Sprint(i, "-", n))
			list[n].Record.InFlight = i%2 == 0
			set(&list[n].Record)
		}
		require.NoError(t, s.Create(ctx, list[0].Record))
		require.Equal(t, []error{nil, nil}, s.CreateBatch(ctx, list[1:]...))
		for entries := range 3 {
			for n := range list {
				list[n] = commitWith(list[n].Record, entries)
				list[n].Record.InFlight = (i+entries)%2 == 0
				set(&list[n].Record)
			}
			require.NoError(t, s.Commit(ctx, list[0].Record, list[0].Entries...))
			require.Equal(t, []error{nil, nil}, s.CommitBatch(ctx, list[1:]...))
		}
		_, err := s.Load(ctx, list[0].Record.ID)
		require.NoError(t, err)
	}
	prepared, err := s.Prepared(ctx, "carrierfsm_verifications", false)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(prepared), 7, "of one and of a batch, and a load")
	replanned, err := s.Prepared(ctx, "carrierfsm", true)
	require.NoError(t, err)
	require.Empty(t, replanned)
}

// commitWith returns the next commit of a record, with so many entries.
func commitWith(r carrierfsm.Record, entries int) (w write.Request) {
	w.Record = r
	w.Record.Version++
	for range entries {
		after, e := next(w.Record)
		w.Record.Step, w.Entries = after.Step, append(w.Entries, e)
	}
	return w
}

// The server keeps plans that it has made for empty tables while the tables grow, so
// they must use indexes too.
func TestStatementsUseIndexesInNewTables(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	_, err := pool.Exec(ctx, `SET plan_cache_mode = force_generic_plan`)
	require.NoError(t, err)
	statements := s.CommonStatements()
	s.BindShard(1)
	for i, sql := range append(statements, s.CommonStatements()...) {
		name := "statement" + strconv.Itoa(i)
		_, err := pool.Exec(ctx, `PREPARE `+name+` AS `+sql, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		nulls := "NULL" + strings.Repeat(", NULL", parameters(sql)-1)
		rows, err := pool.Query(ctx, `EXPLAIN EXECUTE `+name+`(`+nulls+`)`, pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		text := strings.ReplaceAll(strings.Join(plan, "\n"), "Seq Scan on carrierfsm_shard", "") // it has one row
		require.NotContains(t, text, "Seq Scan on carrierfsm", sql)
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
