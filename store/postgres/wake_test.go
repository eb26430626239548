package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// watched runs Watch and returns its wake-ups, after the one with which it begins.
func watched(t *testing.T, s *postgres.Store) (wakeUps <-chan struct{}, ended <-chan error, stop func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	woken, done := make(chan struct{}, 1000), make(chan error, 1)
	go func() { done <- s.Watch(ctx, func() { woken <- struct{}{} }) }()
	receive(t, woken)
	return woken, done, stop
}

func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(time.Minute):
		require.Fail(t, "nothing came")
	}
	return v
}

// transit commits a transition.
func transit(t *testing.T, s *postgres.Store, id string) {
	t.Helper()
	r := nextCommit(createRecord(t, s, id))
	require.NoError(t, s.Commit(t.Context(), r.Record, r.Entries...))
}

// A transition of another process wakes, a record without one does not, nor does what
// this store has committed itself.
func TestTransitionsOfOtherProcessesWake(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewDatabase(t)
	own, _ := openOn(t, pgtest.Pool(t, dsn, 4))
	other, _ := openOn(t, pgtest.Pool(t, dsn, 4))
	woken, ended, stop := watched(t, own)
	createRecord(t, other, "without")
	transit(t, own, "own")
	othersWoken, _, _ := watched(t, other) // its beginning is after both
	require.Empty(t, woken)
	transit(t, other, "other")
	receive(t, woken)
	transit(t, own, "again")
	receive(t, othersWoken)
	stop()
	require.ErrorIs(t, receive(t, ended), context.Canceled)
}

func TestPostgreSQLKeepsTheContractOfAWatcher(t *testing.T) {
	t.Parallel()
	fsmtest.TestWatcher(t, func(tb testing.TB) fsmtest.WatcherSubject {
		tb.Helper()
		dsn := cluster.Cluster(tb).NewDatabase(tb)
		own, _ := openOn(tb, pgtest.Pool(tb, dsn, 4))
		return fsmtest.WatcherSubject{Store: own, Other: func() (carrierfsm.Store, error) {
			other, _ := openOn(tb, pgtest.Pool(tb, dsn, 4))
			return other, nil
		}}
	})
}

func TestWatchReturnsWhenItsConnectionIsLost(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 4)
	s, _ := openOn(t, pool)
	_, ended, _ := watched(t, s)
	_, err := pool.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN carrierfsm'`)
	require.NoError(t, err)
	require.Error(t, receive(t, ended))
}
