package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// byPgx opens another store on the database, whose statements all go by pgx.
func byPgx(t *testing.T, dsn string) *postgres.Store {
	t.Helper()
	s, _ := openOn(t, poolOf(t, dsn, func(config *pgxpool.Config) {
		config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return nil }
	}))
	return s
}

// anyText is what a column of text takes.
var anyText = rapid.StringMatching(`[a-z 0-9é移动'"\\$]{0,20}`)

func anyTime(t *rapid.T, name string) time.Time {
	if rapid.Bool().Draw(t, name+" is never") {
		return time.Time{}
	}
	return time.UnixMicro(rapid.Int64Range(-9_000_000_000_000_000, 9_000_000_000_000_000).Draw(t, name)).UTC()
}

func anyBytes(t *rapid.T, name string) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, name)
}

// anyPair is a commit of the record at version.
func anyPair(t *rapid.T, id string, version int64, step int) postgres.Pair {
	r := carrierfsm.Record{
		ID: id, Version: version, Table: rapid.IntRange(-5, 1<<30).Draw(t, "table"), InFlight: rapid.Bool().Draw(t, "in flight"),
		State: carrierfsm.State(anyText.Draw(t, "state")), Source: anyText.Draw(t, "source"), Reason: carrierfsm.Event(anyText.Draw(t, "reason")),
		Due: anyTime(t, "due"), Created: noon, Updated: anyTime(t, "updated"), Body: anyBytes(t, "body"),
	}
	copy(r.CommitID[:], anyBytes(t, "commit id"))
	if rapid.Bool().Draw(t, "has a key") {
		r.Key = "key of " + id
	}
	var entries []carrierfsm.Entry
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		step++
		e := carrierfsm.Entry{
			ID: id, Step: step, At: anyTime(t, "at"), From: carrierfsm.State(anyText.Draw(t, "from")),
			Event: carrierfsm.Event(anyText.Draw(t, "event")), To: carrierfsm.State(anyText.Draw(t, "to")),
		}
		if rapid.Bool().Draw(t, "has a detail") {
			e.Detail = anyBytes(t, "detail")
		}
		entries = append(entries, e)
	}
	r.Step = step
	return postgres.Pair{Record: r, Entries: entries}
}

// What one of the two has written the other reads, whatever it is, alone and
// with others.
func TestWhatGoesAsBytesIsWhatPgxSends(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	direct, pool := openOn(t, pgtest.Pool(t, dsn, 2))
	stores := []*postgres.Store{direct, byPgx(t, dsn)}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		writes := stores[n%2]
		ids := []string{"a" + time.Duration(n).String(), "b" + time.Duration(n).String()}
		var pairs []postgres.Pair
		for _, id := range ids {
			p := anyPair(rt, id, 1, 0)
			require.NoError(rt, writes.Create(ctx, p.Record, p.Entries...))
			pairs = append(pairs, anyPair(rt, id, 2, p.Record.Step))
		}
		if rapid.Bool().Draw(rt, "together") {
			require.Equal(rt, []error{nil, nil}, writes.CommitTogether(ctx, pairs...))
		} else {
			for _, p := range pairs {
				require.NoError(rt, writes.Commit(ctx, p.Record, p.Entries...))
			}
		}
		for _, reads := range stores {
			together, errs := reads.LoadTogether(ctx, ids...)
			require.Equal(rt, []error{nil, nil}, errs)
			for i, p := range pairs {
				alone, err := reads.LoadAlone(ctx, ids[i])
				require.NoError(rt, err)
				require.Empty(rt, cmp.Diff(p.Record, alone))
				require.Empty(rt, cmp.Diff(p.Record, together[i]))
				list, err := reads.History(ctx, ids[i], p.Record.Step-len(p.Entries), 9)
				require.NoError(rt, err)
				require.Len(rt, list, len(p.Entries))
				for n := range list {
					require.Empty(rt, cmp.Diff(p.Entries[n], list[n]))
				}
			}
		}
	})
	var never int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM carrierfsm_verifications WHERE due < '1000-01-01'`).Scan(&never))
	require.Zero(t, never, "what will never be due has no time")
}

// A host may tidy up a session now and then.
func TestAStatementThatWasTakenAwayIsPreparedAnew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	r := created(t, s, "v1")
	for range 3 {
		p := step(r)
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

// Somebody may make a column wider while we run.
func TestAStatementWhoseColumnsHaveChangedIsPreparedAnew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1))
	want := created(t, s, "v1")
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

// queryTracer counts what is run.
type queryTracer struct{ queries atomic.Int32 }

func (q *queryTracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.queries.Add(1)
	return ctx
}

func (*queryTracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestAHostThatLooksOnSeesEachStatement(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	tracer := new(queryTracer)
	s, _ := openOn(t, poolOf(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) { config.ConnConfig.Tracer = tracer }))
	before := tracer.queries.Load()
	p := step(created(t, s, "v1"))
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	_, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.EqualValues(t, 3, tracer.queries.Load()-before)
}

func TestAConnectionThatTheHostConfiguresIsUsedAsConfigured(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := openOn(t, poolOf(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
		config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.DefaultQueryExecMode = pgx.QueryExecModeExec // behind a pooler, say
			return nil
		}
	}))
	p := step(created(t, s, "v1"))
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	_, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	var prepared int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM pg_prepared_statements`).Scan(&prepared))
	require.Zero(t, prepared)
}

// A row of another shape is an error, and nothing worse.
func TestARowThatIsNotOneOfOursIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9), 0, 20).Draw(t, "values")
		if len(values) < 14 {
			_, err := postgres.RecordOf(values)
			require.ErrorIs(t, err, postgres.ErrRow)
			return
		}
		values[1] = values[1][:min(len(values[1]), 7)] // a version that is no number
		_, err := postgres.RecordOf(values)
		require.ErrorIs(t, err, postgres.ErrRow)
	})
}
