package outbox_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// watching is a store that notices commits of other machines, unless it is deaf.
type watching struct {
	outbox.Store
	committed   chan struct{}
	deaf, fails atomic.Bool
	calls       atomic.Int32
}

func newWatching() *watching {
	return &watching{Store: memory.New(), committed: make(chan struct{}, 100)}
}

func (w *watching) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := w.Store.Commit(ctx, r, entries...)
	w.committed <- struct{}{}
	return err
}

func (w *watching) Watch(ctx context.Context, committed func()) error {
	w.calls.Add(1)
	if w.fails.Load() {
		return errors.New("no connection")
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.committed:
			if !w.deaf.Load() {
				committed()
			}
		}
	}
}

// otherProcess returns a bench on the store, and runs a dispatcher whose machine is
// another one.
func otherProcess(t *testing.T, s *watching, r *recorder) (b *fsmtest.Bench, stop func()) {
	t.Helper()
	b = newBench(t, s)
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: s, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err)
	c := handlers(r, nil, "notify")
	c.PollInterval = time.Minute
	d, err := outbox.New(m, s, c)
	require.NoError(t, err)
	stop = running(t, d.Run)
	synctest.Wait()
	return b, stop
}

func TestCommitsThatTheStoreNoticesAreDeliveredAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := new(recorder)
		b, stop := otherProcess(t, newWatching(), r)
		defer stop()
		b.Reach("10002")
		synctest.Wait()
		require.Equal(t, plain, r.got())
	})
}

// A wake-up can be lost: the polls find everything.
func TestALostWakeUpDelaysADeliveryByThePollIntervalAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, store := new(recorder), newWatching()
		store.deaf.Store(true)
		b, stop := otherProcess(t, store, r)
		defer stop()
		b.Reach("10002")
		synctest.Wait()
		require.Empty(t, r.got())
		pass(time.Minute)
		synctest.Wait()
		require.Equal(t, plain, r.got())
	})
}

func TestAStoreThatCannotWatchIsAskedAgainAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, store := new(recorder), newWatching()
		store.fails.Store(true)
		b, stop := otherProcess(t, store, r)
		defer stop()
		pass(10*time.Minute + time.Second)
		require.EqualValues(t, 11, store.calls.Load(), "once a poll interval")
		store.fails.Store(false)
		pass(time.Minute)
		b.Reach("10002")
		synctest.Wait()
		require.Equal(t, plain, r.got())
		pass(time.Hour)
		require.EqualValues(t, 12, store.calls.Load())
	})
}

// lingering is a store whose Watch ends with its context only, and a second later.
type lingering struct {
	*watching
	under atomic.Int32 // how many go on
}

func (s *lingering) Watch(ctx context.Context, committed func()) error {
	s.under.Add(1)
	defer s.under.Add(-1)
	defer pass(time.Second)
	return s.watching.Watch(ctx, committed)
}

func TestRunEndsTheWatchOfItsStoreAndReturnsAfterIt(t *testing.T) {
	t.Parallel()
	for name, closes := range map[string]bool{"its context ends": false, "the store is closed": true} {
		synctest.Test(t, func(t *testing.T) {
			base, store := memory.New(), &lingering{watching: newWatching()}
			store.Store = base
			d := dispatcher(newBench(t, store), new(recorder).handle)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			left := make(chan int32, 1) // how many go on when Run returns
			go func() {
				_ = d.Run(ctx)
				left <- store.under.Load()
			}()
			synctest.Wait()
			require.EqualValues(t, 1, store.under.Load(), name)
			if closes {
				require.NoError(t, base.Close())
			} else {
				cancel()
			}
			pass(time.Minute)
			require.Len(t, left, 1, name)
			require.Zero(t, <-left, name)
		})
	}
}
