package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

func TestABatchThatTheServerRejectsIsWrittenOneByOne(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := context.Background()
	good, bad := nextCommit(createRecord(t, s, "good")), nextCommit(createRecord(t, s, "bad"))
	bad.Entries[0].From = "a NUL \x00, which PostgreSQL rejects in a text"
	errs := s.CommitBatch(ctx, good, bad)
	require.NoError(t, errs[0])
	require.ErrorContains(t, errs[1], "carrierfsm/postgres: ")
	stored, err := s.Load(ctx, "bad")
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
}

func TestACancelledCallerDoesNotAffectItsBatch(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewDatabase(t)
	s, _ := openOn(t, pgtest.Pool(t, dsn, 9))
	others := pgtest.Pool(t, dsn, 2)
	const alone, batched = postgres.MaxWrites, 40
	steps := make([]write.Request, alone+batched)
	for i := range steps {
		steps[i] = nextCommit(createRecord(t, s, fmt.Sprintf("v%02d", i)))
	}
	tx, err := others.Begin(context.Background())
	require.NoError(t, err)
	_, err = tx.Exec(context.Background(), `SELECT FROM carrierfsm_verifications FOR UPDATE`)
	require.NoError(t, err)
	errs := make([]error, len(steps))
	var all sync.WaitGroup
	canceled, cancel := context.WithCancel(context.Background())
	defer cancel()
	commit := func(i int) {
		all.Go(func() {
			ctx := context.Background()
			if i == alone+batched-1 {
				ctx = canceled
			}
			errs[i] = s.Commit(ctx, steps[i].Record, steps[i].Entries...)
		})
	}
	for i := range alone {
		commit(i)
	}
	waitForBlocked(t, others, alone)
	for i := alone; i < len(steps); i++ {
		commit(i)
	}
	cancel()
	require.NoError(t, tx.Rollback(context.Background()))
	all.Wait()
	for i, err := range errs[:len(errs)-1] {
		require.NoError(t, err, "caller %d", i)
	}
	last := errs[len(errs)-1]
	stored, err := s.Load(context.Background(), steps[len(steps)-1].Record.ID)
	require.NoError(t, err)
	if last == nil {
		require.Equal(t, int64(2), stored.Version)
	} else {
		require.ErrorIs(t, last, context.Canceled)
	}
	list, err := s.History(context.Background(), stored.ID, 0, 9)
	require.NoError(t, err)
	require.Len(t, list, stored.Step, "record and entry, both or neither")
}

func TestACommitWhoseConnectionIsCutIsUnknownAndNotHalfWritten(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	ctx := context.Background()
	p := nextCommit(createRecord(t, s, "v1"))
	unlock := lockRow(t, pool, "v1")
	done := make(chan error, 1)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	_, err := pool.Exec(ctx, `SELECT pg_terminate_backend($1)`, waitForBlocked(t, pool, 1)[0])
	require.NoError(t, err)
	err = <-done
	require.ErrorContains(t, err, "carrierfsm/postgres: ")
	for _, sentinel := range []error{carrierfsm.ErrConflict, carrierfsm.ErrNotFound, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse} {
		require.NotErrorIs(t, err, sentinel)
	}
	unlock()
	stored, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.NotEqual(t, p.Record.CommitID, stored.CommitID)
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...), "the same commit again")
}

// lossyConn loses the server's answers while lose is true.
type lossyConn struct {
	net.Conn
	lose *atomic.Bool
}

func (c lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.lose.Load() {
		return 0, errors.New("the connection is cut")
	}
	return n, err
}

// openLossy opens a store whose connections lose answers while lose is true, and
// another store on the same database.
func openLossy(t *testing.T) (s, healthy *postgres.Store, lose *atomic.Bool) {
	t.Helper()
	dsn := cluster.Cluster(t).NewDatabase(t)
	healthy, _ = openOn(t, pgtest.Pool(t, dsn, 2))
	lose = new(atomic.Bool)
	s, _ = openOn(t, newPool(t, dsn, func(config *pgxpool.Config) {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec // there is no separate Prepare, which would fail first
		dial := config.ConnConfig.DialFunc
		config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return lossyConn{conn, lose}, err
		}
	}))
	_, err := s.Load(context.Background(), "unknown") // connects
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	return s, healthy, lose
}

func TestEachCommitOfABatchWhoseAnswerIsLostIsRecognisedByItsCommitID(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, healthy, lose := openLossy(t)
	first, second, stale := nextCommit(createRecord(t, healthy, "v1")), nextCommit(createRecord(t, healthy, "v2")), nextCommit(createRecord(t, healthy, "v3"))
	stale.Record.Version++
	lose.Store(true)
	for _, err := range s.CommitBatch(ctx, first, second, stale) {
		require.ErrorContains(t, err, "the connection is cut", "no caller gets a result")
	}
	require.Eventually(t, func() bool {
		stored, err := healthy.Load(ctx, "v1")
		require.NoError(t, err)
		return stored.CommitID == first.Record.CommitID
	}, time.Minute, time.Millisecond)
	stored, err := healthy.Load(ctx, "v2")
	require.NoError(t, err)
	require.Equal(t, second.Record.CommitID, stored.CommitID)
	stored, err = healthy.Load(ctx, "v3")
	require.NoError(t, err)
	require.NotEqual(t, stale.Record.CommitID, stored.CommitID, "it was refused")
}

func TestACommitWhoseAnswerIsLostIsRecognisedByItsCommitID(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, healthy, lose := openLossy(t)
	p := nextCommit(createRecord(t, healthy, "v1"))
	lose.Store(true)
	err := s.Commit(ctx, p.Record, p.Entries...)
	require.ErrorContains(t, err, "the connection is cut")
	require.Eventually(t, func() bool {
		stored, err := healthy.Load(ctx, "v1")
		require.NoError(t, err)
		return stored.CommitID == p.Record.CommitID
	}, time.Minute, time.Millisecond)
	lose.Store(false)
	require.ErrorIs(t, s.Commit(ctx, p.Record, p.Entries...), carrierfsm.ErrConflict)
}

func TestAWriteEndsAfterTheTimeout(t *testing.T) {
	t.Parallel()
	healthy, pool := open(t)
	s, _ := openOn(t, pool, postgres.WithTimeout(50*time.Millisecond))
	p := nextCommit(createRecord(t, healthy, "v1"))
	unlock := lockRow(t, pool, "v1")
	defer unlock()
	require.ErrorIs(t, s.Commit(context.Background(), p.Record, p.Entries...), context.DeadlineExceeded)
}

// The store's statement waits for a lock of another transaction, which then waits
// for a lock of the statement. The server looks for a deadlock once in each wait,
// after deadlock_timeout. It is so long that both wait by then, and longer for the
// other transaction, so that the statement fails.
func TestADeadlockIsRetried(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	s, pool := openOn(t, newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["deadlock_timeout"] = "2s" }))
	p := nextCommit(createRecord(t, s, "v1"))
	createRecord(t, s, "v2")
	p.Record.Key = "new"
	others := newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["deadlock_timeout"] = "10min" })
	tx, err := others.Begin(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(ctx) }) // so that a failing test ends
	_, err = tx.Exec(ctx, `UPDATE carrierfsm_verifications SET key = 'new' WHERE id = 'v2'`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	waitForBlocked(t, pool, 1)
	_, err = tx.Exec(ctx, `SELECT FROM carrierfsm_verifications WHERE id = 'v1' FOR UPDATE`)
	require.NoError(t, err, "the store's statement fails")
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, <-done)
}

// Rows of parked verifications are written again as a whole too.
func TestADeadlockOfParkedRowsIsRetried(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	s, _ := openOn(t, newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["deadlock_timeout"] = "2s" }))
	var rows []outbox.Parked
	for _, id := range []string{"v1", "v2", "v3"} {
		rows = append(rows, outbox.Parked{Handler: "notify", ID: id, Step: 1, Upto: 2, Why: "error", Since: noon, Next: noon, Version: 1})
	}
	require.NoError(t, s.Park(ctx, rows))
	others := newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["deadlock_timeout"] = "10min" })
	tx, err := others.Begin(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(ctx) }) // so that a failing test ends
	_, err = tx.Exec(ctx, `SELECT FROM carrierfsm_parked WHERE id = 'v2' FOR UPDATE`)
	require.NoError(t, err)
	rows[0].Version, rows[1].Version, rows[2].Version = 2, 2, 2
	rows[0].Step = 3 // it leaves no step
	done := make(chan error, 1)
	go func() { done <- s.Park(ctx, rows) }()
	waitForBlockedOn(t, others, "carrierfsm_parked", 1)
	_, err = tx.Exec(ctx, `SELECT FROM carrierfsm_parked WHERE id = 'v1' FOR UPDATE`)
	require.NoError(t, err, "the store's statement fails")
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, <-done)
	stored, err := s.Parked(ctx, outbox.ParkedQuery{})
	require.NoError(t, err)
	require.Equal(t, rows[1:], stored)
}
