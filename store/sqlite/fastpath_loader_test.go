package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// openWithBlockedWriter returns a store with the record v1 whose writer waits for
// another process until the test ends.
func openWithBlockedWriter(t *testing.T) *sqlite.Store {
	t.Helper()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	require.NoError(t, s.Create(ctx, record("v1")))
	unlock := lockFile(t, path)
	done := make(chan error, 1)
	go func() { done <- s.Create(ctx, record("v2")) }()
	t.Cleanup(func() {
		unlock()
		require.NoError(t, <-done)
	})
	require.Eventually(t, s.Writing, time.Minute, time.Millisecond)
	return s
}

func TestALoadDoesNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	s := openWithBlockedWriter(t)
	for range 10 {
		r, err := s.Load(context.Background(), "v1")
		require.NoError(t, err)
		require.Equal(t, record("v1"), r)
	}
	_, err := s.Load(context.Background(), "v2")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound, "it is not committed")
}

func TestALoadWaitsForAConnectionUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	s := openWithBlockedWriter(t)
	release := s.OccupyLoaders()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Load(ctx, "v1")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	release()
	_, err = s.Load(ctx, "v1")
	require.ErrorIs(t, err, context.DeadlineExceeded, "the context has ended")
	_, err = s.Load(context.Background(), "v1")
	require.NoError(t, err)
}

func TestALoadReturnsTheLatestCommitOnEachConnection(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, newPath(t))
	r := record("v1")
	require.NoError(t, s.Create(ctx, r))
	for r.Version < 30 {
		r.Version++
		r.Body = []byte{byte(r.Version)}
		require.NoError(t, s.Commit(ctx, r))
		got, err := s.Load(ctx, "v1") // on the writer's connection
		require.NoError(t, err)
		require.Equal(t, r, got)
		got, err = s.LoadOnReadConn(ctx, "v1")
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
}

func TestAColumnOfTheWrongTypeIsAnError(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s, db := open(t, path), openDB(t, path)
	for _, change := range []string{`step='two'`, `commit_id='text'`, `source=x'00'`} {
		require.NoError(t, s.Create(ctx, record(change)))
		_, err := db.Exec(`UPDATE carrierfsm_verifications SET `+change+` WHERE id = ?`, change)
		require.NoError(t, err)
		r, err := s.Load(ctx, change)
		require.ErrorContains(t, err, "has a type that this package does not write", change)
		require.Zero(t, r, change)
	}
}

func TestABodyThatAnOperatorStoredAsTextIsLoaded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	require.NoError(t, s.Create(ctx, record("v1")))
	_, err := openDB(t, path).Exec(`UPDATE carrierfsm_bodies SET body = '{"ask":"captcha"}'`)
	require.NoError(t, err)
	r, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, `{"ask":"captcha"}`, string(r.Body))
}
