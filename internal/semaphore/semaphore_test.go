package semaphore_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/semaphore"
)

func TestNoMoreSlotsAreTakenThanThereAreAndNoneIsLost(t *testing.T) {
	t.Parallel()
	const slots, callers = 3, 200
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			s := semaphore.New(slots)
			var inside, most, entered, gaveUp, closed atomic.Int64
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(200))*time.Millisecond)
					defer cancel()
					pass(time.Duration(rand.IntN(100)) * time.Millisecond)
					switch err := s.Acquire(ctx); {
					case err == nil:
						entered.Add(1)
						if n := inside.Add(1); n > most.Load() {
							most.Store(n)
						}
						pass(time.Duration(rand.IntN(20)) * time.Millisecond)
						inside.Add(-1)
						s.Release()
					case errors.Is(err, semaphore.ErrClosed):
						closed.Add(1)
					default:
						gaveUp.Add(1)
					}
				})
			}
			pass(130 * time.Millisecond)
			require.NoError(t, s.Close(context.Background()))
			require.Zero(t, inside.Load())
			require.Zero(t, s.InUse())
			all.Wait()
			require.Equal(t, int64(callers), entered.Load()+gaveUp.Load()+closed.Load())
			require.Equal(t, int64(slots), most.Load())
			require.Positive(t, gaveUp.Load())
			require.ErrorIs(t, s.Acquire(context.Background()), semaphore.ErrClosed)
			require.NoError(t, s.Close(context.Background()))
		})
	}
}

func TestSlotsAreGivenInTheOrderOfTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := semaphore.New(1)
		require.NoError(t, s.Acquire(t.Context()))
		order := make(chan int, 5)
		for i := range 5 {
			go func() {
				if s.Acquire(t.Context()) == nil {
					order <- i
					s.Release()
				}
			}()
			synctest.Wait()
		}
		s.Release()
		for i := range 5 {
			require.Equal(t, i, <-order)
		}
	})
}

func TestTryAcquireTakesOnlyAFreeSlot(t *testing.T) {
	t.Parallel()
	s := semaphore.New(1)
	require.True(t, s.TryAcquire())
	require.Equal(t, 1, s.InUse())
	require.False(t, s.TryAcquire())
	s.Release()
	require.Zero(t, s.InUse())
	require.True(t, s.TryAcquire())
}

func TestCloseWaitsForTheSlotsThatAreTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := semaphore.New(3)
		require.NoError(t, s.Acquire(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Close(ctx), context.DeadlineExceeded)
		require.Equal(t, 1, s.InUse(), "closing takes the free slots, which are not in use")
		require.ErrorIs(t, s.Acquire(t.Context()), semaphore.ErrClosed)
		closed := make(chan error, 2)
		for range cap(closed) { // several may wait at the same time
			go func() { closed <- s.Close(context.Background()) }()
		}
		synctest.Wait()
		require.Empty(t, closed)
		s.Release()
		require.NoError(t, <-closed)
		require.NoError(t, <-closed)
	})
}

// pass advances synctest's clock.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the clock is synctest's
