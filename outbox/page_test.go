package outbox_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
