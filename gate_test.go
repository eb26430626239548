package carrierfsm_test

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

	"github.com/carrierfsm/carrierfsm"
)

// Whoever has to wait is let in when another leaves, unless they give up first;
// never more are inside than may be, no place is lost, and closing sends those
// away who wait.
func TestNoMoreAreInsideThanMayBeAndNoPlaceIsLost(t *testing.T) {
	t.Parallel()
	const size, callers = 3, 200
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			gate := carrierfsm.NewGate(size)
			var inside, most, entered, gaveUp, closed atomic.Int64
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(200))*time.Millisecond)
					defer cancel()
					pass(time.Duration(rand.IntN(100)) * time.Millisecond)
					switch err := gate.Enter(ctx); {
					case err == nil:
						entered.Add(1)
						if n := inside.Add(1); n > most.Load() {
							most.Store(n)
						}
						pass(time.Duration(rand.IntN(20)) * time.Millisecond)
						inside.Add(-1)
						gate.Leave()
					case errors.Is(err, carrierfsm.ErrClosed):
						closed.Add(1)
					default:
						gaveUp.Add(1)
					}
				})
			}
			pass(130 * time.Millisecond)
			require.NoError(t, gate.Close(context.Background()))
			require.Zero(t, inside.Load())
			all.Wait()
			require.Equal(t, int64(callers), entered.Load()+gaveUp.Load()+closed.Load())
			require.Equal(t, int64(size), most.Load())
			require.Positive(t, gaveUp.Load())
			require.ErrorIs(t, gate.Enter(context.Background()), carrierfsm.ErrClosed)
			require.NoError(t, gate.Close(context.Background()))
		})
	}
}
