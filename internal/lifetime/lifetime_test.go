package lifetime_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/lifetime"
)

func TestCloseRefusesLaterCallsAndWaitsForRunningOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lifetime.New()
		require.True(t, l.Enter())
		require.False(t, l.Closed())
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, l.Close(short), context.DeadlineExceeded)
		require.True(t, l.Closed())
		require.False(t, l.Enter())
		<-l.Closing()
		closed := make(chan error, 2)
		for range cap(closed) { // several may wait at the same time
			go func() { closed <- l.Close(context.Background()) }()
		}
		synctest.Wait()
		require.Empty(t, closed)
		l.Leave()
		require.NoError(t, <-closed)
		require.NoError(t, <-closed)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, l.Close(ended), "there is nothing to wait for")
	})
}

func TestAGoroutineThatOutlivesItsCallIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lifetime.New()
		require.True(t, l.Enter())
		closed := make(chan error, 1)
		go func() { closed <- l.Close(context.Background()) }()
		synctest.Wait()
		l.Hold() // although closing has begun
		l.Leave()
		synctest.Wait()
		require.Empty(t, closed)
		l.Leave()
		require.NoError(t, <-closed)
	})
}

func TestAContextEndsWhenClosingBegins(t *testing.T) {
	t.Parallel()
	l := lifetime.New()
	until, stop := l.Until(t.Context())
	other, stopOther := l.Until(t.Context())
	require.NoError(t, until.Err())
	stop()
	require.ErrorIs(t, until.Err(), context.Canceled)
	require.NoError(t, other.Err())
	require.NoError(t, l.Close(t.Context()))
	<-other.Done()
	stopOther()
}

func TestNoCallRunsAfterClose(t *testing.T) {
	t.Parallel()
	for range 200 {
		l := lifetime.New()
		var inside atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for l.Enter() {
					inside.Add(1)
					inside.Add(-1)
					l.Leave()
				}
			})
		}
		require.NoError(t, l.Close(context.Background()))
		require.Zero(t, inside.Load())
		all.Wait()
	}
}
