package outbox_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Calls that have not returned when their time is over. The time is that of a synctest
// bubble.

// A handler that does not return is not called again for the same verification,
// and no more than so many of its calls are given up.
func TestAbandonedCallsAreCountedAndLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var calls, now, most atomic.Int64
		stuck := func(_ context.Context, _ carrierfsm.Transition) error {
			calls.Add(1)
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-release
			now.Add(-1)
			return nil
		}
		b := newBench(t)
		create(t, b, "v-", 300)
		d := dispatcher(b, stuck, func(c *outbox.Config) { c.MaxSlow, c.Workers = 20, 4 })
		stop := running(t, d.Run)
		pass(time.Hour)
		require.Equal(t, 20, d.Stats().Abandoned)
		require.LessOrEqual(t, calls.Load(), int64(20+2*4), "nothing is called again, and the workers wait")
		close(release)
		pass(15 * time.Minute)
		require.Equal(t, outbox.Stats{Running: 1}, d.Stats())
		require.Empty(t, parked(t, d))
		require.LessOrEqual(t, most.Load(), int64(20+2*4))
		stop()
	})
}

func TestRunReturnsBesideCallsThatNeverDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		b := newBench(t)
		create(t, b, "v-", 50)
		d := dispatcher(b, func(context.Context, carrierfsm.Transition) error { <-release; return nil },
			func(c *outbox.Config) { c.MaxSlow, c.Workers = 2, 2 })
		stop := running(t, d.Run)
		pass(5 * time.Minute)
		begun := time.Now()
		stop()
		require.LessOrEqual(t, time.Since(begun), 35*time.Second)
	})
}

// stuck returns a recorder. Each of its calls returns when a value is sent to the channel,
// or when that is closed.
func stuck() (r *recorder, release chan struct{}) {
	release = make(chan struct{})
	return failing(func(carrierfsm.Transition, int) error { <-release; return nil }), release
}

// Deliver waits for each call until its time is over. The call has its slot until it
// returns, and no longer.
func TestDeliverCountsAnAbandonedCallUntilItReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, release := stuck()
		defer close(release)
		b := newBench(t)
		create(t, b, "v-", 1)
		d := dispatcher(b, r.handle, func(c *outbox.Config) { c.MaxSlow = 1 })
		for n := range 3 {
			_, err := d.Deliver(context.Background())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			pass(time.Minute)
			require.Equal(t, outbox.Stats{Slow: 1, Abandoned: 1}, d.Stats())
			_, err = d.Deliver(context.Background())
			require.ErrorContains(t, err, "an earlier call for this verification has not returned")
			require.Len(t, r.got(), n+1)
			release <- struct{}{}
			synctest.Wait()
			require.Zero(t, d.Stats())
			pass(time.Minute)
		}
	})
}

// A call that waits for a slot when Run ends is counted too: the next Run does not make
// it again.
func TestACallThatRunLeavesIsNotMadeAgainBeforeItReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, release := stuck()
		end := sync.OnceFunc(func() { close(release) })
		defer end()
		b := newBench(t)
		create(t, b, "v-", 2)
		d := dispatcher(b, r.handle, func(c *outbox.Config) { c.MaxSlow = 1 })
		stop := running(t, d.Run)
		pass(time.Minute)
		stop()
		synctest.Wait()
		require.Equal(t, outbox.Stats{Slow: 2, Abandoned: 2}, d.Stats(), "one of them without a slot")
		defer running(t, d.Run)()
		pass(time.Minute)
		require.Len(t, r.got(), 2)
		end()
		pass(15 * time.Minute)
		require.Equal(t, outbox.Stats{Running: 1}, d.Stats())
		require.Empty(t, parked(t, d))
	})
}
