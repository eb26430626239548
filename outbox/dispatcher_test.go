package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestNewRefusesAConfigThatCantWork(t *testing.T) {
	t.Parallel()
	h := new(recorder).handle
	for name, change := range map[string]func(*outbox.Config){
		"no name":               func(c *outbox.Config) { c.Handlers[""] = h },
		"a space":               func(c *outbox.Config) { c.Handlers["a b"] = h },
		"a control character":   func(c *outbox.Config) { c.Handlers["a\n"] = h },
		"not ASCII":             func(c *outbox.Config) { c.Handlers["通知"] = h },
		"a long name":           func(c *outbox.Config) { c.Handlers[strings.Repeat("x", 129)] = h },
		"nil":                   func(c *outbox.Config) { c.Handlers["nil"] = nil },
		"a Start above":         func(c *outbox.Config) { c.Starts = map[string]outbox.Start{"ok": outbox.FromNow + 1} },
		"the zero Start":        func(c *outbox.Config) { c.Starts = map[string]outbox.Start{"ok": 0} },
		"a Start of no handler": func(c *outbox.Config) { c.Starts = map[string]outbox.Start{"other": outbox.FromNow} },
		"negative Workers":      func(c *outbox.Config) { c.Workers = -1 },
		"negative Timeout":      func(c *outbox.Config) { c.Timeout = -1 },
		"negative LeaseTTL":     func(c *outbox.Config) { c.LeaseTTL = -1 },
		"negative RetryMin":     func(c *outbox.Config) { c.RetryMin = -1 },
		"negative RetryMax":     func(c *outbox.Config) { c.RetryMax = -1 },
		"negative PollInterval": func(c *outbox.Config) { c.PollInterval = -1 },
		"negative MaxLag":       func(c *outbox.Config) { c.MaxLag = -1 },
		"RetryMin > RetryMax":   func(c *outbox.Config) { c.RetryMin, c.RetryMax = 2, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			cfg := outbox.Config{Handlers: map[string]outbox.Handler{"ok": h}}
			change(&cfg)
			_, err := outbox.New(b.Machine, memory.New(), cfg)
			require.ErrorIs(t, err, carrierfsm.ErrInvalid)
		})
	}
}

func TestNewNeedsAMachineAndAStoreAndNothingElse(t *testing.T) {
	t.Parallel()
	m := newBench(t).Machine
	_, err := outbox.New(nil, memory.New(), outbox.Config{})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	_, err = outbox.New(m, nil, outbox.Config{})
	require.ErrorIs(t, err, carrierfsm.ErrInvalid)
	d, err := outbox.New(m, memory.New(), outbox.Config{})
	require.NoError(t, err)
	n, err := d.Deliver(context.Background())
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = outbox.New(m, memory.New(), outbox.Config{
		Handlers: map[string]outbox.Handler{strings.Repeat("x", 128): new(recorder).handle},
	})
	require.NoError(t, err, "128 bytes are not too long")
}

// countingStore counts the reads of cursors and records how long leases last.
type countingStore struct {
	*memory.Store
	mu    sync.Mutex
	reads int
	ttls  map[time.Duration]bool
}

func (s *countingStore) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ttls[ttl] = true
	return s.Store.Acquire(ctx, name, owner, ttl, start)
}

func (s *countingStore) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return s.Store.Pending(ctx, l, limit)
}

func TestTheDefaultsOfLeasesAndPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{Store: memory.New(), ttls: make(map[time.Duration]bool)}
		stop := running(t, dispatcher(newBench(t, store), new(recorder).handle).Run)
		pass(time.Minute + time.Millisecond)
		stop()
		require.Equal(t, []time.Duration{15 * time.Second}, slices.Collect(maps.Keys(store.ttls)), "LeaseTTL")
		require.Equal(t, 61, store.reads, "PollInterval: at first, and once a second")
	})
}

func TestTheDefaultsOfRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for want, change := range map[time.Duration]func(*outbox.Config){
			10 * time.Minute: func(c *outbox.Config) { c.RetryMax = 0 },
			time.Hour:        func(c *outbox.Config) { c.RetryMin = time.Hour }, // more than the default of RetryMax
		} {
			b := newBench(t)
			d := dispatcher(b, failing(func(carrierfsm.Transition, int) error { return errHandler }).handle, change)
			b.Must(b.Apply())
			var waits []time.Duration
			for range 15 {
				_, err := d.Deliver(context.Background())
				require.ErrorIs(t, err, errHandler)
				wait := time.Until(parked(t, d)[0].Next)
				waits = append(waits, wait)
				pass(wait)
			}
			require.InDelta(t, min(time.Second, want), min(waits[0], time.Second), float64(time.Second/4+time.Millisecond), "RetryMin")
			require.InDelta(t, want, waits[14], float64(want/4+time.Millisecond), "RetryMax")
		}
	})
}

func TestTheDefaultOfWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := failing(func(carrierfsm.Transition, int) error {
			<-release
			return nil
		})
		b := newBench(t)
		for i := range 20 {
			other := b.Create(carrierfsm.NewVerification{ID: fmt.Sprintf("w%d", i)})
			other.Must(other.Cancel())
		}
		defer running(t, dispatcher(b, r.handle).Run)()
		synctest.Wait()
		require.Len(t, r.got(), 8)
		close(release)
		synctest.Wait()
		require.Len(t, r.got(), 20)
	})
}

func TestRunWithoutHandlersReturnsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		began := time.Now()
		require.NoError(t, newBench(t).Dispatcher(outbox.Config{}).Run(ctx))
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestRunWaitsForHandlersUnderWayForTheirTimeoutAtMost(t *testing.T) {
	t.Parallel()
	for takes, waits := range map[time.Duration]time.Duration{
		10 * time.Second: 10 * time.Second,
		time.Hour:        30 * time.Second, // the default
	} {
		synctest.Test(t, func(t *testing.T) {
			release, begun := make(chan struct{}), make(chan struct{}, 9)
			r := failing(func(carrierfsm.Transition, int) error {
				begun <- struct{}{}
				select {
				case <-time.After(takes):
				case <-release:
				}
				return nil
			})
			b := newBench(t)
			d := dispatcher(b, r.handle)
			stop := running(t, d.Run)
			b.Reach("10002")
			<-begun
			stopped := time.Now()
			stop()
			require.Equal(t, waits, time.Since(stopped).Truncate(time.Millisecond))
			require.Equal(t, []string{"v1/1"}, r.got(), "nothing new is started")
			r.heal()
			close(release) // before that it is not called again for v1
			defer running(t, d.Run)()
			pass(time.Minute)
			require.Subset(t, r.got(), plain, "nothing is lost")
		})
	}
}

func TestAFailureOfTheStoreIsLoggedOnceAndDeliveryContinuesAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := new(recorder)
		b := newBench(t, &failingPending{Store: memory.New(), until: time.Now().Add(time.Minute)})
		stop := running(t, dispatcher(b, r.handle, func(c *outbox.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}).Run)
		b.Reach("10002")
		pass(2 * time.Minute)
		stop()
		require.Equal(t, plain, r.got())
		require.Equal(t, 1, strings.Count(log.String(), "a handler gets nothing"), log.String())
	})
}

// failingPending is a store whose Pending fails until some time.
type failingPending struct {
	*memory.Store
	until time.Time
}

func (s *failingPending) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	if time.Now().Before(s.until) {
		return outbox.Batch{}, errors.New("down")
	}
	return s.Store.Pending(ctx, l, limit)
}

func TestDeliverCallsHandlersForWhatIsPendingAndDue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r := failing(func(tr carrierfsm.Transition, n int) error {
		if tr.Step == 2 && n == 1 {
			return errHandler
		}
		return nil
	})
	now := time.Now()
	b := newBench(t)
	d := dispatcher(b, r.handle, func(c *outbox.Config) { c.Now = func() time.Time { return now } })
	b.Reach("10002")
	n, err := d.Deliver(ctx)
	require.ErrorIs(t, err, errHandler)
	var at *carrierfsm.Error
	require.ErrorAs(t, err, &at)
	require.Equal(t, carrierfsm.Error{ID: "v1", State: carrierfsm.AwaitingPassword, Step: 2, Err: errHandler}, *at)
	require.Equal(t, 1, n)
	n, err = d.Deliver(ctx)
	require.NoError(t, err)
	require.Zero(t, n, "the retry is not due yet")
	now = now.Add(2 * time.Second)
	n, err = d.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, []string{"v1/1", "v1/2", "v1/2", "v1/3"}, r.got())
}

func TestDeliverContinuesUntilNothingIsPending(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const many = 210 // more than two pages of transitions
	for i := range many {
		other := b.Create(carrierfsm.NewVerification{ID: fmt.Sprintf("w%d", i)})
		other.Must(other.Apply())
	}
	n, err := dispatcher(b, new(recorder).handle).Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, 2*many, n)
}

func TestDeliverLeavesAHandlerToTheLeaseHolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, other := new(recorder), new(recorder)
		b := newBench(t)
		defer running(t, dispatcher(b, r.handle).Run)()
		synctest.Wait()
		b.Reach("10002")
		n, err := dispatcher(b.Replica(), other.handle).Deliver(context.Background())
		require.NoError(t, err)
		require.Zero(t, n)
		synctest.Wait()
		require.Equal(t, plain, r.got())
		require.Empty(t, other.got())
	})
}

func TestDeliverReturnsTheFailureOfAStoreAndReleasesTheLease(t *testing.T) {
	t.Parallel()
	b := newBench(t, &failingPending{Store: memory.New(), until: time.Now().Add(time.Hour)})
	b.Reach("10002")
	d := dispatcher(b, new(recorder).handle)
	_, err := d.Deliver(context.Background())
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	cursors, err := d.Cursors(context.Background())
	require.NoError(t, err)
	require.Empty(t, cursors[0].Owner)
}

func TestDeliverReturnsThatALeaseCouldNotBeAcquired(t *testing.T) {
	t.Parallel()
	store := &detachable{Store: memory.New()}
	store.detach()
	b := newBench(t, store)
	b.Reach("10002")
	r := new(recorder)
	n, err := dispatcher(b, r.handle).Deliver(context.Background())
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.Zero(t, n)
	require.Empty(t, r.got())
}

func TestDeliverStopsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	r := failing(func(carrierfsm.Transition, int) error {
		cancel()
		return nil
	})
	b := newBench(t)
	d := dispatcher(b, r.handle)
	b.Reach("10002")
	n, err := d.Deliver(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, n)
	r.heal()
	n, err = d.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Equal(t, plain, r.got(), "the cursor was advanced over the first")
}

// brokenLists is a store whose cursors and parked rows can't be read.
type brokenLists struct{ outbox.Store }

func (brokenLists) Cursors(context.Context) ([]outbox.Cursor, error) {
	return nil, errors.New("the store is away")
}

func (brokenLists) Parked(context.Context, outbox.ParkedQuery) ([]outbox.Parked, error) {
	return nil, errors.New("the store is away")
}

func TestCursorsAndParkedAndReplayReturnTheFailureOfAStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dispatcher(newBench(t, brokenLists{memory.New()}), new(recorder).handle)
	_, err := d.Cursors(ctx)
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	_, err = d.Parked(ctx, outbox.ParkedQuery{})
	require.ErrorIs(t, err, carrierfsm.ErrStore)
	require.ErrorIs(t, d.Replay(ctx, "notify", "v1", 1), carrierfsm.ErrStore)
}

// A caller that leaves is not told that the store failed.
func TestAnEndedContextIsReturnedAsItsOwnError(t *testing.T) {
	t.Parallel()
	d := dispatcher(newBench(t), new(recorder).handle)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, delivered := d.Deliver(ctx)
	_, cursors := d.Cursors(ctx)
	_, parked := d.Parked(ctx, outbox.ParkedQuery{})
	for _, err := range []error{delivered, cursors, parked, d.Replay(ctx, "notify", "v1", 1)} {
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, carrierfsm.ErrStore)
	}
}

func TestCursorsReturnHowFarAHandlerHasCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		d := dispatcher(b, new(recorder).handle)
		stop := running(t, d.Run)
		b.Reach("10002")
		synctest.Wait()
		list, err := d.Cursors(context.Background())
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "notify", list[0].Name)
		require.True(t, list[0].Behind.IsZero())
		require.NotEmpty(t, list[0].Owner)
		stop()
		b.Must(b.Cancel())
		list, err = d.Cursors(context.Background())
		require.NoError(t, err)
		require.Empty(t, list[0].Owner)
		require.Equal(t, time.Now().UTC(), list[0].Behind)
	})
}
