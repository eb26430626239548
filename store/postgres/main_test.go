package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// cluster is shared by all tests. Each test has its own database.
var cluster = pgtest.Shared{Migrate: migrate}

func migrate(dsn string) error {
	s, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	return s.Close()
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := errors.Join(cluster.Close(), durable.Close()); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// open opens a store in a new database.
func open(tb testing.TB, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	return openOn(tb, pgtest.Pool(tb, cluster.Cluster(tb).NewDatabase(tb), 8), opts...)
}

func openOn(tb testing.TB, pool *pgxpool.Pool, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	s, err := postgres.New(context.Background(), pool.Config(), opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s, pool
}

// newPool opens a pool after configure has changed its configuration.
func newPool(tb testing.TB, dsn string, configure func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(tb, err)
	config.MaxConns = 8
	configure(config)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool
}

// noon is the time of all records.
var noon = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

func record(id string) carrierfsm.Record {
	return carrierfsm.Record{
		ID: id, State: carrierfsm.AwaitingCaptcha, Version: 1, Table: 1, Source: "chinamobilejs", Reason: carrierfsm.CaptchaRequested,
		Due: noon, Created: noon, Updated: noon, Key: "key-of-" + id, Body: []byte("body"),
	}
}

// next returns the record after one more transition, and its entry.
func next(r carrierfsm.Record) (carrierfsm.Record, carrierfsm.Entry) {
	r.Version++
	r.Step++
	r.Due, r.Updated = r.Due.Add(time.Second), r.Updated.Add(time.Second)
	r.CommitID = [16]byte{byte(r.Version), byte(r.Version >> 8), 1}
	return r, carrierfsm.Entry{
		ID: r.ID, Step: r.Step, From: r.State, Event: carrierfsm.CaptchaRejected, To: r.State, At: r.Updated, Detail: make([]byte, 150),
	}
}

// nextCommit returns the next commit of a record.
func nextCommit(r carrierfsm.Record) write.Request {
	r, e := next(r)
	return write.Request{Record: r, Entries: []carrierfsm.Entry{e}}
}

// createRecord creates a record and returns it.
func createRecord(t *testing.T, s *postgres.Store, id string) carrierfsm.Record {
	t.Helper()
	r := record(id)
	require.NoError(t, s.Create(context.Background(), r))
	return r
}

// lockRow locks a record's row in another transaction until unlock is called.
func lockRow(t *testing.T, pool *pgxpool.Pool, id string) (unlock func()) {
	t.Helper()
	ctx := context.Background()
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `SELECT FROM carrierfsm_verifications WHERE id = $1 FOR UPDATE`, id)
	require.NoError(t, err)
	return sync.OnceFunc(func() { require.NoError(t, tx.Rollback(ctx)) })
}

// waitForBlocked waits until n statements of this package wait for a lock, and
// returns the PIDs of their backends.
func waitForBlocked(t *testing.T, pool *pgxpool.Pool, n int) (backends []int32) {
	t.Helper()
	return waitForBlockedOn(t, pool, "carrierfsm_verifications", n)
}

func waitForBlockedOn(t *testing.T, pool *pgxpool.Pool, table string, n int) (backends []int32) {
	t.Helper()
	require.Eventually(t, func() bool {
		rows, err := pool.Query(context.Background(), `SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`, table)
		require.NoError(t, err)
		backends, err = pgx.CollectRows(rows, pgx.RowTo[int32])
		require.NoError(t, err)
		return len(backends) == n
	}, time.Minute, time.Millisecond)
	return backends
}
