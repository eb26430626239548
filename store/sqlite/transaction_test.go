package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// lockFile takes SQLite's write lock as another process does, until unlock is
// called.
func lockFile(tb testing.TB, path string) (unlock func()) {
	tb.Helper()
	tx, err := openDB(tb, path+"?_txlock=immediate").Begin()
	require.NoError(tb, err)
	return func() { require.NoError(tb, tx.Rollback()) }
}

func TestAWriteWaitsForAnotherProcess(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	conn, err := openDB(t, path).Conn(ctx)
	require.NoError(t, err)
	_, err = conn.ExecContext(ctx, "CREATE TABLE of_the_host (n INTEGER); BEGIN IMMEDIATE")
	require.NoError(t, err)

	done := make(chan error, 1)
	go func() { done <- s.Create(ctx, record("v1")) }()
	_, err = conn.ExecContext(ctx, "INSERT INTO of_the_host VALUES (1); COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.NoError(t, conn.Close())
}

func TestAWriteFailsAfterTheBusyTimeoutAndLosesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path, sqlite.BusyTimeout(10*time.Millisecond))
	unlock := lockFile(t, path)
	require.Error(t, s.Create(ctx, record("v1")))
	unlock()
	require.NoError(t, s.Create(ctx, record("v1")))
}

func TestAFullDiskIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, newPath(t))
	require.NoError(t, s.Create(ctx, record("v1")))
	_, err := s.Pragma(ctx, "max_page_count = 40")
	require.NoError(t, err)
	big := record("v2")
	big.Body = make([]byte, 1<<20)
	require.ErrorContains(t, s.Create(ctx, big), "full")
	_, err = s.Load(ctx, "v2")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	r, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	_, err = s.Pragma(ctx, "max_page_count = 1000000")
	require.NoError(t, err)
	r.Version++
	require.NoError(t, s.Commit(ctx, r), "once there is space again")
}
