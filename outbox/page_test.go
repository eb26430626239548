package outbox_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// How many transitions a page has, and how long it waits for its last calls while others
// follow it. The time is that of a synctest bubble.

// pages is a store in memory that records how far each page has moved the cursor.
type pages struct {
	*memory.Store
	moved []int
}

func (s *pages) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if n > 0 {
		s.moved = append(s.moved, n)
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

// A handler that is quick gets larger pages, and so fewer commits of its cursor, while many
// transitions wait. Those of one that is not have 200, also where it was quick before: what
// a process leaves to be delivered again is not much work.
func TestPagesGrowWhileTheHandlerIsQuick(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		takes func(call int64) time.Duration
		pages []int
	}{
		"quick":           {func(int64) time.Duration { return 0 }, []int{200, 400, 800, 1600, 1600, 400}},
		"not quick":       {func(int64) time.Duration { return 3 * time.Millisecond }, slices.Repeat([]int{200}, 25)},
		"not quick later": {func(n int64) time.Duration { return time.Duration(n/3001) * 10 * time.Millisecond }, append([]int{200, 400, 800, 1600}, slices.Repeat([]int{200}, 10)...)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, calls := &pages{Store: memory.New()}, atomic.Int64{}
				b := newBench(t, store)
				create(t, b, "one", 5000)
				stop := running(t, dispatcher(b, func(context.Context, carrierfsm.Transition) error {
					pass(test.takes(calls.Add(1)))
					return nil
				}).Run)
				pass(time.Minute)
				stop()
				require.Equal(t, int64(5000), calls.Load(), "a transition was delivered twice, or not at all")
				require.Equal(t, test.pages, store.moved)
			})
		})
	}
}

// The transitions of a verification may be far apart in a large page. A page that ends before the
// last of them must not deliver these: the next page would deliver them again.
func TestAPageThatEndsEarlyLeavesNoGap(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("fails %v", fails), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &pages{Store: memory.New()}
				b := newBench(t, store)
				create(t, b, "quick", 3000)
				b.Reach()
				create(t, b, "between", 1500)
				_, err := b.Cancel()
				require.NoError(t, err)
				create(t, b, "after", 500)
				var mu sync.Mutex
				calls, failed := make(map[string]int), false
				stop := running(t, dispatcher(b, func(_ context.Context, t carrierfsm.Transition) error {
					if !strings.HasPrefix(t.ID, "quick") {
						pass(10 * time.Millisecond)
					}
					mu.Lock()
					defer mu.Unlock()
					calls[fmt.Sprintf("%s/%d", t.ID, t.Step)]++
					if fails && !failed && t.ID == "v1" {
						failed = true
						return errors.New("once")
					}
					return nil
				}, func(c *outbox.Config) { c.RetryMin = time.Millisecond }).Run)
				pass(time.Minute)
				stop()
				want := map[string]int{"v1/1": 1, "v1/2": 1, "v1/3": 1}
				if fails {
					want["v1/1"] = 2
				}
				for id, n := range map[string]int{"quick": 3000, "between": 1500, "after": 500} {
					for i := range n {
						want[fmt.Sprintf("%s%d/1", id, i)] = 1
					}
				}
				require.Empty(t, gocmp.Diff(want, calls))
				require.Contains(t, store.moved, 1600, "there was a large page")
			})
		})
	}
}

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

// A call that took long does not let the page wait twice as long for the last one: it waits
// eight times as long as its calls took on average.
func TestOneLongCallDoesNotMakeAPageWaitLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		create(t, b, "long", 1)
		create(t, b, "quick", 198)
		create(t, b, "slow", 1) // the page is full
		takes := map[string]time.Duration{"long0": 100 * time.Millisecond, "slow0": time.Second}
		d := dispatcher(b, func(_ context.Context, t carrierfsm.Transition) error {
			pass(cmp.Or(takes[t.ID], 10*time.Millisecond))
			return nil
		}, func(c *outbox.Config) { c.SlowAfter = 10 * time.Second })
		defer running(t, d.Run)()
		pass(260*time.Millisecond + 83*time.Millisecond) // eight workers come to the last one after 260 ms
		require.Zero(t, d.Stats().Slow)
		pass(2 * time.Millisecond)
		require.Equal(t, 1, d.Stats().Slow)
	})
}

// As many slow calls as there are workers, in the middle of a page, do not hold up the rest
// of it for SlowAfter. Where no call is quick none is parked because of that.
func TestSlowCallsOfAllWorkersTakeLittleOfTheRate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		takes time.Duration // a call that is not slow
		slow  int           // of these, one after the other
		ends  time.Duration
	}{
		"quick calls":    {0, 20, 20 * time.Millisecond},
		"calls of 30 ms": {30 * time.Millisecond, 0, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				create(t, b, "quick", 100)
				create(t, b, "slow", test.slow)
				create(t, b, "later", 380-test.slow)
				var quick atomic.Int64
				d := dispatcher(b, func(_ context.Context, t carrierfsm.Transition) error {
					if strings.HasPrefix(t.ID, "slow") {
						pass(10 * time.Second)
						return nil
					}
					pass(test.takes)
					quick.Add(1)
					return nil
				})
				defer running(t, d.Run)()
				pass(test.ends)
				require.Equal(t, int64(480-test.slow), quick.Load())
				require.Equal(t, test.slow, d.Stats().Slow)
			})
		})
	}
}
