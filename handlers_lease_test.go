package carrierfsm_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// fenced notes the fences of the leases that it gives.
type fenced struct {
	*memory.Store
	mu     sync.Mutex
	fences []int64
}

func (s *fenced) Lead(ctx context.Context, name, owner string, lasts time.Duration, start carrierfsm.Start) (carrierfsm.Lease, error) {
	l, err := s.Store.Lead(ctx, name, owner, lasts, start)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fences = append(s.fences, l.Fence)
	return l, err
}

// stumbling can't write what came of the first deliveries.
type stumbling struct {
	*memory.Store
	left atomic.Int32
}

func (s *stumbling) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	if s.left.Add(-1) >= 0 {
		return errors.New("the store fails")
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

func TestWhatWasDeliveredIsNotDeliveredAnewWhileOnlyTheStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &stumbling{Store: memory.New()}
		store.left.Store(3)
		d := new(diary)
		b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Store = store })
		b.Reach("10002")
		stop := running(t, b.Machine)
		defer stop()
		pass(10 * time.Second)
		require.Negative(t, store.left.Load(), "it was written in the end")
		require.Equal(t, plain, d.got())
	})
}

// losing has given the lease to another by the time a parked verification was
// tried again.
type losing struct {
	*memory.Store
	lost, resigned atomic.Int32
}

func (s *losing) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	if n == 0 && s.lost.Add(1) == 1 {
		return carrierfsm.ErrLeaseLost
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

func (s *losing) Resign(ctx context.Context, l carrierfsm.Lease) error {
	s.resigned.Add(1)
	return s.Store.Resign(ctx, l)
}

func TestALeaderThatLearnsOfItsLossWhileCatchingUpLeadsNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &losing{Store: memory.New()}
		d := new(diary)
		d.set(func(_ carrierfsm.Transition, n int) error {
			if n == 1 {
				return errors.New("not now")
			}
			return nil
		})
		b := handled(t, d.handle, func(c *carrierfsm.Config) { c.Store = store })
		stop := running(t, b.Machine)
		defer stop()
		b.Reach("10002")
		for store.lost.Load() == 0 {
			pass(100 * time.Millisecond)
		}
		synctest.Wait()
		require.Equal(t, int32(1), store.resigned.Load())
	})
}

func TestALeaderProlongsItsLeaseAndLeadsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fenced{Store: memory.New()}
		b := handled(t, new(diary).handle, func(c *carrierfsm.Config) { c.Store = store })
		stop := running(t, b.Machine)
		defer stop()
		pass(time.Minute)
		store.mu.Lock()
		defer store.mu.Unlock()
		require.Greater(t, len(store.fences), 4, "a third of the lease before its end, at the latest")
		for _, fence := range store.fences {
			require.Equal(t, store.fences[0], fence, "it was never given up")
		}
	})
}
