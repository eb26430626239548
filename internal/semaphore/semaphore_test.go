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
			stop := make(chan struct{})
			var inside, most, entered, gaveUp, stopped atomic.Int64
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(200))*time.Millisecond)
					defer cancel()
					pass(time.Duration(rand.IntN(100)) * time.Millisecond)
					switch err := s.Acquire(ctx, stop); {
					case err == nil:
						entered.Add(1)
						if n := inside.Add(1); n > most.Load() {
							most.Store(n)
						}
						pass(time.Duration(rand.IntN(20)) * time.Millisecond)
						inside.Add(-1)
						s.Release()
					case errors.Is(err, semaphore.ErrStopped):
						stopped.Add(1)
					default:
						gaveUp.Add(1)
					}
				})
			}
			pass(130 * time.Millisecond)
			close(stop)
			all.Wait()
			require.Zero(t, inside.Load())
			require.Zero(t, s.InUse())
			require.Equal(t, int64(callers), entered.Load()+gaveUp.Load()+stopped.Load())
			require.Equal(t, int64(slots), most.Load())
			require.Positive(t, gaveUp.Load())
			require.Positive(t, stopped.Load())
			require.ErrorIs(t, s.Acquire(context.Background(), stop), semaphore.ErrStopped, "even while a slot is free")
		})
	}
}

func TestSlotsAreGivenInTheOrderOfTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := semaphore.New(1)
		require.NoError(t, s.Acquire(t.Context(), nil))
		order := make(chan int, 5)
		for i := range 5 {
			go func() {
				if s.Acquire(t.Context(), nil) == nil {
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

// pass advances synctest's clock.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the clock is synctest's
