package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// held is a store whose writer waits for a foreign one until the test is over.
func held(t *testing.T) *sqlite.Store {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	require.NoError(t, s.Create(ctx, record("v1")))
	foreign, err := sql.Open("sqlite", path+"?_txlock=immediate")
	require.NoError(t, err)
	tx, err := foreign.BeginTx(ctx, nil)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Create(ctx, record("v2")) }()
	t.Cleanup(func() {
		require.NoError(t, tx.Rollback())
		require.NoError(t, <-done)
		require.NoError(t, foreign.Close())
	})
	require.Eventually(t, s.Writing, 10*time.Second, time.Millisecond)
	return s
}

func TestALoadDoesNotWaitForAWriter(t *testing.T) {
	t.Parallel()
	s := held(t)
	for range 10 {
		r, err := s.Load(context.Background(), "v1")
		require.NoError(t, err)
		require.Equal(t, record("v1"), r)
	}
	_, err := s.Load(context.Background(), "v2")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound, "it is not committed")
}

func TestALoadThatFindsAllConnectionsAtWorkWaitsAsLongAsItsContext(t *testing.T) {
	t.Parallel()
	s := held(t)
	leave := s.OccupyLoaders()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Load(ctx, "v1")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	leave()
	_, err = s.Load(ctx, "v1")
	require.ErrorIs(t, err, context.DeadlineExceeded, "it is over")
	_, err = s.Load(context.Background(), "v1")
	require.NoError(t, err)
}

// Each connection that loads gives what was committed last, whichever it is.
func TestEveryLoadSeesWhatWasCommittedBeforeIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "test.db"))
	r := record("v1")
	require.NoError(t, s.Create(ctx, r))
	for r.Version < 30 {
		r.Version++
		r.Body = []byte{byte(r.Version)}
		require.NoError(t, s.Commit(ctx, r))
		got, err := s.Load(ctx, "v1") // by the writer
		require.NoError(t, err)
		require.Equal(t, r, got)
		got, err = s.LoadBeside(ctx, "v1")
		require.NoError(t, err)
		require.Equal(t, r, got)
	}
}

func TestWhoseIDAndKeyAreTakenHearsOfTheID(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "test.db"))
	r := record("v1")
	r.Key = "key"
	require.NoError(t, s.Create(ctx, r))
	require.ErrorIs(t, s.Create(ctx, r), carrierfsm.ErrExists)
	r.ID = "v2"
	require.ErrorIs(t, s.Create(ctx, r), carrierfsm.ErrKeyInUse)
}

func TestAColumnOfAnotherTypeIsAnErrorAndNoValue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, spoilt := range []string{`step = 'two'`, `commit_id = 'text'`, `source = x'00'`} {
		require.NoError(t, s.Create(ctx, record(spoilt)))
		_, err = db.Exec(`UPDATE carrierfsm_verifications SET `+spoilt+` WHERE id = ?`, spoilt)
		require.NoError(t, err)
		r, err := s.Load(ctx, spoilt)
		require.ErrorContains(t, err, "another type", spoilt)
		require.Zero(t, r, spoilt)
	}
}

func TestABodyThatWasWrittenByHandAsTextIsRead(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	require.NoError(t, s.Create(ctx, record("v1")))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.Exec(`UPDATE carrierfsm_bodies SET body = '{"ask":"captcha"}'`)
	require.NoError(t, err)
	r, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, `{"ask":"captcha"}`, string(r.Body))
}
