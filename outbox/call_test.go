package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Slow handlers, and a store that does not answer. The time is that of a synctest
// bubble.

// create creates verifications with one transition each.
func create(t *testing.T, b *fsmtest.Bench, prefix string, n int) {
	t.Helper()
	for i := range n {
		_, err := b.Create(carrierfsm.NewVerification{ID: fmt.Sprintf("%s%d", prefix, i)}).Cancel()
		require.NoError(t, err)
	}
}

// hanging returns a recorder whose calls for verifications with this prefix take
// so long, or end with their context.
func hanging(prefix string, takes time.Duration) (r *recorder, handle outbox.Handler) {
	r = new(recorder)
	return r, func(ctx context.Context, t carrierfsm.Transition) error {
		_ = r.handle(ctx, t)
		if !strings.HasPrefix(t.ID, prefix) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takes):
			return nil
		}
	}
}

func TestASlowCallDoesNotHoldUpOtherVerifications(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		create(t, b, "slow", 4)
		create(t, b, "quick", 1000)
		r, handle := hanging("slow", 20*time.Second)
		d := dispatcher(b, handle)
		stop := running(t, d.Run)
		pass(3 * time.Second)
		require.Len(t, r.got(), 1004, "all but for the slow ones")
		require.Equal(t, outbox.Stats{Slow: 4, Running: 1}, d.Stats())
		cursors, err := d.Cursors(context.Background())
		require.NoError(t, err)
		require.Zero(t, cursors[0].Behind, "the cursor went on")
		require.Equal(t, 4, cursors[0].Parked)
		require.Equal(t, "slow", parked(t, d)[0].Why)
		pass(20 * time.Second)
		require.Empty(t, parked(t, d), "they succeeded")
		require.Len(t, r.got(), 1004, "each once")
		require.Equal(t, outbox.Stats{Running: 1}, d.Stats())
		stop()
	})
}

// One call of a hundred hangs until its context ends.
func TestAHundredthThatHangsLeavesTheRateInTheThousands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 20 {
			create(t, b, fmt.Sprintf("hang%d-", i), 1)
			create(t, b, fmt.Sprintf("quick%d-", i), 99)
		}
		r, handle := hanging("hang", time.Hour)
		d := dispatcher(b, handle)
		defer running(t, d.Run)()
		pass(4 * time.Second)
		require.Len(t, r.got(), 2000, "one batch after another would wait 30 s for each")
		pass(30 * time.Second)
		rows := parked(t, d)
		require.Len(t, rows, 20)
		require.Equal(t, "timeout", rows[0].Why)
		require.Equal(t, 1, rows[0].Attempts)
	})
}

// While its call goes on, a verification's later transitions wait; they follow in
// their order.
func TestTheTransitionsAfterASlowOneFollowItInOrder(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]bool{"it succeeds": false, "it fails": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := failing(func(t carrierfsm.Transition, n int) error {
					if t.Step == 2 && n == 1 {
						pass(10 * time.Second)
						if fails {
							return errHandler
						}
					}
					return nil
				})
				b := newBench(t)
				d := dispatcher(b, r.handle)
				defer running(t, d.Run)()
				b.Reach()
				pass(5 * time.Second)
				b.Reach("10002") // meanwhile
				require.Equal(t, []string{"v1/1", "v1/2"}, r.got())
				pass(8 * time.Second)
				want := []string{"v1/1", "v1/2", "v1/3"}
				if fails {
					want = []string{"v1/1", "v1/2", "v1/2", "v1/3"}
				}
				require.Equal(t, want, r.got())
				require.Empty(t, parked(t, d))
			})
		})
	}
}

// The result of a call that goes on when Run is stopped is written all the same:
// the lease is renewed until then.
func TestTheResultOfASlowCallIsWrittenWhenRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		create(t, b, "slow", 1)
		r, handle := hanging("slow", 25*time.Second)
		d := dispatcher(b, handle)
		stop := running(t, d.Run)
		pass(2 * time.Second)
		stop()
		require.Empty(t, parked(t, d))
		require.Len(t, r.got(), 1)
	})
}

// A replica that dies with a slow call leaves a row that another one tries.
func TestASlowCallOfADeadReplicaIsMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &detachable{Store: memory.New()}
		b := newBench(t, store)
		create(t, b, "slow", 1)
		_, handle := hanging("slow", 25*time.Second)
		stop := running(t, dispatcher(b, handle).Run)
		pass(2 * time.Second)
		store.detach()
		other := new(recorder)
		d := dispatcher(b.Replica(func(c *carrierfsm.Config) { c.Store = store.Store }), other.handle)
		defer running(t, d.Run)()
		pass(40 * time.Second)
		require.Len(t, other.got(), 1)
		require.Empty(t, parked(t, d))
		stop()
	})
}

// failingParked is a store that fails to read parked rows for the first times.
type failingParked struct {
	*memory.Store
	left atomic.Int64
}

func (s *failingParked) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if s.left.Add(-1) >= 0 {
		return nil, errors.New("the store does not answer")
	}
	return s.Store.Parked(ctx, q)
}

// It does so when the lease has ended, not only when the time of the call is over; also where
// the store fails at first.
func TestASlowCallOfADeadReplicaIsMadeAgainWhenItsLeaseHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &detachable{Store: memory.New()}
		b := newBench(t, store)
		create(t, b, "slow", 300)
		_, handle := hanging("slow", 9*time.Minute)
		long := func(c *outbox.Config) { c.Timeout = 10 * time.Minute }
		stop := running(t, dispatcher(b, handle, long).Run)
		pass(time.Minute) // 256 calls go on
		store.detach()
		other, failing := new(recorder), &failingParked{Store: store.Store}
		failing.left.Store(2)
		d := dispatcher(b.Replica(func(c *carrierfsm.Config) { c.Store = failing }), other.handle, long)
		defer running(t, d.Run)()
		pass(20 * time.Second)
		require.Len(t, other.got(), 300)
		require.Empty(t, parked(t, d))
		stop()
	})
}

func TestDeliverWaitsForSlowCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		create(t, b, "slow", 3)
		_, handle := hanging("slow", 20*time.Second)
		n, err := dispatcher(b, handle).Deliver(context.Background())
		require.NoError(t, err)
		require.Equal(t, 3, n)
	})
}

// mute is a store that does not answer one of its methods for a while.
type mute struct {
	*memory.Store
	method string

	mu    sync.Mutex
	until time.Time
}

func (s *mute) answer(ctx context.Context) error {
	pc := make([]uintptr, 1)
	runtime.Callers(2, pc)
	frame, _ := runtime.CallersFrames(pc).Next()
	s.mu.Lock()
	until := s.until
	s.mu.Unlock()
	if !strings.HasSuffix(frame.Function, "."+s.method) || !time.Now().Before(until) {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *mute) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	if err := s.answer(ctx); err != nil {
		return outbox.Lease{}, err
	}
	return s.Store.Acquire(ctx, name, owner, ttl, start)
}

func (s *mute) Release(ctx context.Context, l outbox.Lease) error {
	if err := s.answer(ctx); err != nil {
		return err
	}
	return s.Store.Release(ctx, l)
}

func (s *mute) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	if err := s.answer(ctx); err != nil {
		return outbox.Batch{}, err
	}
	return s.Store.Pending(ctx, l, limit)
}

func (s *mute) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if err := s.answer(ctx); err != nil {
		return err
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

func (s *mute) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if err := s.answer(ctx); err != nil {
		return nil, err
	}
	return s.Store.Parked(ctx, q)
}

func (s *mute) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	if err := s.answer(ctx); err != nil {
		return nil, err
	}
	return s.Store.Cursors(ctx)
}

func (s *mute) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	if err := s.answer(ctx); err != nil {
		return nil, err
	}
	return s.Store.History(ctx, id, after, limit)
}

func TestRunGoesOnAfterAStoreThatDoesNotAnswerAnyOneMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Acquire", "Release", "Pending", "Advance", "Parked", "History"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &mute{Store: memory.New(), method: method, until: time.Now().Add(5 * time.Minute)}
				b := newBench(t, store)
				create(t, b, "v-", 20)
				r := failing(func(t carrierfsm.Transition, n int) error {
					if t.ID == "v-3" && n == 1 {
						return errHandler
					}
					return nil
				})
				d := dispatcher(b, r.handle)
				stop := running(t, d.Run)
				pass(6 * time.Minute)
				require.Empty(t, parked(t, d), "within a minute after the store answers again")
				got := make(map[string]bool)
				for _, transition := range r.got() {
					got[transition] = true
				}
				require.Len(t, got, 20)
				begun := time.Now()
				store.mu.Lock()
				store.until = time.Now().Add(time.Hour)
				store.mu.Unlock()
				stop()
				require.LessOrEqual(t, time.Since(begun), 30*time.Second, "Run ends beside it too")
			})
		})
	}
}

func TestListsAreBoundedAndFailWithErrStore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for method, read := range map[string]func(d *outbox.Dispatcher) error{
		"Cursors": func(d *outbox.Dispatcher) error { _, err := d.Cursors(ctx); return err },
		"Parked":  func(d *outbox.Dispatcher) error { _, err := d.Parked(ctx, outbox.ParkedQuery{}); return err },
		"History": func(d *outbox.Dispatcher) error { return d.Replay(ctx, "notify", "v-0", 1) },
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &mute{Store: memory.New(), method: method, until: time.Now().Add(time.Hour)}
				b := newBench(t, store)
				create(t, b, "v-", 1)
				d := dispatcher(b, new(recorder).handle)
				_, err := d.Deliver(ctx)
				if method != "Parked" {
					require.NoError(t, err)
				}
				begun := time.Now()
				require.ErrorIs(t, read(d), carrierfsm.ErrStore)
				require.Equal(t, 10*time.Second, time.Since(begun))
			})
		})
	}
}
