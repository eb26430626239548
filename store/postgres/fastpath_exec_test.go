package postgres_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/internal/writetest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// openPlain opens another store on the database, without the fast path.
func openPlain(t *testing.T, dsn string) *postgres.Store {
	t.Helper()
	s, _ := openOn(t, newPool(t, dsn, func(config *pgxpool.Config) {
		config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return nil }
	}))
	return s
}

// Both ways load what either of them has written, alone and in a batch.
func TestTheFastPathAndPgxStoreTheSameRows(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	fast, pool := openOn(t, pgtest.Pool(t, dsn, 2))
	stores := []*postgres.Store{fast, openPlain(t, dsn)}
	generator := writetest.Generator{Created: noon}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s := stores[n%2]
		ids := []string{"a" + time.Duration(n).String(), "b" + time.Duration(n).String()}
		var commits []write.Request
		for _, id := range ids {
			r := generator.Request(rt, id, 1, 0)
			require.NoError(rt, s.Create(ctx, r.Record, r.Entries...))
			second := generator.Request(rt, id, 2, r.Record.Step)
			if rapid.Bool().Draw(rt, "replaces one commit") {
				second.Record.Previous = r.Record.CommitID
			}
			if rapid.Bool().Draw(rt, "spends") {
				second.Record.Spends = drawSpends(rt, "ledger-of-"+id)
			}
			commits = append(commits, second)
		}
		if rapid.Bool().Draw(rt, "in a batch") {
			require.Equal(rt, []error{nil, nil}, s.CommitBatch(ctx, commits...))
		} else {
			for _, r := range commits {
				require.NoError(rt, s.Commit(ctx, r.Record, r.Entries...))
			}
		}
		for _, s := range stores {
			batch, errs := s.LoadBatch(ctx, ids...)
			require.Equal(rt, []error{nil, nil}, errs)
			for i, r := range commits {
				for _, s := range stores { // both read what either has spent
					ledger, err := s.Ledger(ctx, "ledger-of-"+ids[i])
					require.NoError(rt, err)
					want, err := budget.Ledger{}.Apply(r.Record.Spends)
					require.NoError(rt, err)
					require.Empty(rt, cmp.Diff(want.Stamps, ledger.Stamps, cmpopts.EquateEmpty()))
				}
				r.Record.Previous, r.Record.Spends = [16]byte{}, nil // not stored
				alone, err := s.LoadAlone(ctx, ids[i])
				require.NoError(rt, err)
				require.Empty(rt, cmp.Diff(r.Record, alone))
				require.Empty(rt, cmp.Diff(r.Record, batch[i]))
				list, err := s.History(ctx, ids[i], r.Record.Step-len(r.Entries), 9)
				require.NoError(rt, err)
				require.Len(rt, list, len(r.Entries))
				for n := range list {
					require.Empty(rt, cmp.Diff(r.Entries[n], list[n]))
				}
			}
		}
	})
	var early int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM carrierfsm_verifications WHERE due < '1000-01-01'`).Scan(&early))
	require.Zero(t, early, "a record that is never due has NULL")
}

// drawSpends draws what a commit spends or gives back.
func drawSpends(t *rapid.T, key string) (list []budget.Spend) {
	for _, k := range budget.Kinds()[:rapid.IntRange(1, 3).Draw(t, "kinds")] {
		list = append(list, budget.Spend{
			Key: key, Kind: k, At: noon, N: rapid.SampledFrom([]int{-2, 1, 3}).Draw(t, "n"), Window: budget.Day, Limit: 3,
		})
	}
	return list
}

// The host may deallocate statements in its pool's sessions.
func TestADeallocatedStatementIsPreparedAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	r := createRecord(t, s, "v1")
	for range 3 {
		p := nextCommit(r)
		require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
		_, err := pool.Exec(ctx, "DEALLOCATE ALL", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		r, err = s.Load(ctx, "v1")
		require.NoError(t, err)
		_, err = pool.Exec(ctx, "DEALLOCATE ALL", pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
	}
	require.EqualValues(t, 4, r.Version)
}

// A migration may change a column's type while the store is open.
func TestAStatementWhoseColumnsHaveChangedIsPreparedAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	want := createRecord(t, s, "v1")
	for _, kind := range []string{"varchar(99)", "text"} {
		_, err := s.Load(ctx, "v1")
		require.NoError(t, err)
		_, err = pool.Exec(ctx, `ALTER TABLE carrierfsm_verifications ALTER COLUMN source TYPE `+kind)
		require.NoError(t, err)
		got, err := s.Load(ctx, "v1")
		require.NoError(t, err)
		require.Equal(t, want.Source, got.Source)
	}
}

// queryTracer counts queries but for those that wake other processes, which come when they
// may after a commit.
type queryTracer struct{ queries atomic.Int32 }

func (q *queryTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, query pgx.TraceQueryStartData) context.Context {
	if !strings.Contains(query.SQL, "pg_notify") {
		q.queries.Add(1)
	}
	return ctx
}

func (*queryTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestTheHostsTracerSeesEachStatement(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	tracer := new(queryTracer)
	s, _ := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) { config.ConnConfig.Tracer = tracer }))
	_, err := s.Load(ctx, "none") // the first read of a store commits something
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	before := tracer.queries.Load()
	p := nextCommit(createRecord(t, s, "v1"))
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	_, err = s.Load(ctx, "v1")
	require.NoError(t, err)
	require.EqualValues(t, 3, tracer.queries.Load()-before)
}

func TestAConnectionThatTheHostConfiguresIsUsedAsConfigured(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
		config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.DefaultQueryExecMode = pgx.QueryExecModeExec // as for a pooler
			return nil
		}
	}))
	p := nextCommit(createRecord(t, s, "v1"))
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	_, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	var prepared int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM pg_prepared_statements`).Scan(&prepared))
	require.Zero(t, prepared)
}
