package outbox_test

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// How long a page of transitions waits for its last calls while others follow it. The
// time is that of a synctest bubble.

// Each page of transitions has slow calls. Those of one page hold up the next one a
// little longer than quick calls take, not for a tenth of SlowAfter.
func TestSlowCallsInEachPageTakeLittleOfTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 20 {
			create(t, b, fmt.Sprintf("slow%d-", i), 2)
			create(t, b, fmt.Sprintf("quick%d-", i), 98)
		}
		r, handle := hanging("slow", time.Second)
		defer running(t, dispatcher(b, handle).Run)()
		pass(50 * time.Millisecond)
		require.Len(t, r.got(), 2000)
	})
}

// Where all calls take their time, none is slow, however many there are at once.
func TestCallsThatTakeEquallyLongAreNotParked(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{8, 500} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			create(t, b, "slow", 1000)
			r, handle := hanging("slow", 30*time.Millisecond)
			d := dispatcher(b, handle, func(c *outbox.Config) { c.Workers = workers })
			defer running(t, d.Run)()
			for len(r.got()) < 1000 {
				pass(20 * time.Millisecond)
				require.Zero(t, d.Stats().Slow, "with %d workers, after %d calls", workers, len(r.got()))
			}
		})
	}
}

// The last calls of a page are among those that a later one of it is compared with.
func TestACallIsNotParkedBeforeItTakesTwiceAsLongAsThoseBeforeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		create(t, b, "quick", 198)
		b.Reach() // two transitions more: the page is full
		takes := map[string]time.Duration{"v1/1": 18 * time.Millisecond, "v1/2": 32 * time.Millisecond}
		var d *outbox.Dispatcher
		var slow []int // beside each call, when it returns
		d = dispatcher(b, func(_ context.Context, t carrierfsm.Transition) error {
			pass(cmp.Or(takes[fmt.Sprintf("%s/%d", t.ID, t.Step)], 10*time.Millisecond))
			slow = append(slow, d.Stats().Slow)
			return nil
		}, func(c *outbox.Config) { c.Workers = 1 })
		stop := running(t, d.Run)
		pass(10 * time.Second)
		stop()
		require.Equal(t, make([]int, 200), slow)
	})
}
