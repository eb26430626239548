package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// watched runs Watch and returns its wake-ups, after the one with which it begins.
func watched(t *testing.T, s *sqlite.Store) (wakeUps <-chan struct{}, ended <-chan error, stop func()) {
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
	case <-time.After(20 * time.Second):
		require.Fail(t, "nothing came")
	}
	return v
}

func TestCommitsOfOtherProcessesWake(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	own, other := open(t, path), open(t, path)
	woken, ended, stop := watched(t, own)
	require.NoError(t, other.Create(t.Context(), record("v1")))
	receive(t, woken)
	stop()
	require.ErrorIs(t, receive(t, ended), context.Canceled)
}

func TestWatchEndsWithTheStore(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	_, ended, _ := watched(t, s)
	require.NoError(t, s.Close())
	require.ErrorIs(t, receive(t, ended), carrierfsm.ErrClosed)
	require.ErrorIs(t, s.Watch(t.Context(), func() {}), carrierfsm.ErrClosed)
}

// It would take the one connection that everything else needs.
func TestWatchNeedsAConnectionToSpare(t *testing.T) {
	t.Parallel()
	db := openDB(t, newPath(t))
	db.SetMaxOpenConns(2)
	s, err := sqlite.New(t.Context(), db)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.ErrorContains(t, s.Watch(t.Context(), func() {}), "a connection of its own")
}
