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
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// How a lease is renewed, until it is lost or released. The time is that of a synctest
// bubble.

// recordingStore records the fences of the leases that it gives.
type recordingStore struct {
	*memory.Store
	mu     sync.Mutex
	fences []int64
}

func (s *recordingStore) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	l, err := s.Store.Acquire(ctx, name, owner, ttl, start)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fences = append(s.fences, l.Fence)
	return l, err
}

func TestALeaseIsRenewedAndKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &recordingStore{Store: memory.New()}
		defer running(t, dispatcher(newBench(t, store), new(recorder).handle).Run)()
		pass(time.Minute)
		store.mu.Lock()
		defer store.mu.Unlock()
		require.Greater(t, len(store.fences), 4, "a third of the lease before its end, at the latest")
		for _, fence := range store.fences[1:] { // after that of New
			require.Equal(t, store.fences[1], fence, "it was never given up")
		}
	})
}

// takeOver gives the lease to another replica, as if the clock of the store had jumped
// to its end.
func (s *recordingStore) takeOver(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NoError(t, s.Release(t.Context(), outbox.Lease{Name: "notify", Fence: s.fences[len(s.fences)-1]}))
	_, err := s.Store.Acquire(t.Context(), "notify", "another-replica", time.Hour, 0)
	require.NoError(t, err)
}

// The dispatcher's own clock says that the lease lasts for 15 s.
func TestALeaseThatAnotherReplicaHasIsNotUsedAfterItsNextRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &recordingStore{Store: memory.New()}
		r := new(recorder)
		b := newBench(t, store)
		defer running(t, dispatcher(b, r.handle).Run)()
		synctest.Wait()
		store.takeOver(t)
		pass(5 * time.Second)
		synctest.Wait()
		b.Reach("10002")
		pass(5 * time.Second)
		require.Empty(t, r.got())
	})
}

// slowRenewal is a store whose renewals go on for a second after they were given up: all
// calls of Acquire but that of New and the first of a term.
type slowRenewal struct {
	*memory.Store
	acquired, renewing atomic.Int32
}

func (s *slowRenewal) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	if s.acquired.Add(1) > 2 {
		s.renewing.Add(1)
		defer s.renewing.Add(-1)
		<-ctx.Done()
		pass(time.Second)
	}
	return s.Store.Acquire(context.WithoutCancel(ctx), name, owner, ttl, start)
}

// released checks that the last renewal has ended, and that the lease is free.
func (s *slowRenewal) released(t *testing.T) {
	t.Helper()
	require.Greater(t, s.acquired.Load(), int32(2), "a renewal was under way")
	require.Zero(t, s.renewing.Load(), "and has ended")
	_, err := s.Store.Acquire(t.Context(), "notify", "another-replica", time.Minute, outbox.FromBeginning)
	require.NoError(t, err, "the lease is free at once")
}

// A renewal after the release would leave the lease with a dispatcher that has ended.
func TestDeliverReleasesItsLeaseAfterItsLastRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowRenewal{Store: memory.New()}
		b := newBench(t, store)
		b.Must(b.Apply())
		slow := func(ctx context.Context, _ carrierfsm.Transition) error {
			pass(3 * time.Second)
			return nil
		}
		_, err := dispatcher(b, slow).Deliver(context.Background())
		require.NoError(t, err)
		store.released(t)
	})
}

func TestRunReleasesItsLeaseAfterItsLastRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowRenewal{Store: memory.New()}
		stop := running(t, dispatcher(newBench(t, store), new(recorder).handle).Run)
		pass(6 * time.Second)
		stop()
		store.released(t)
	})
}
