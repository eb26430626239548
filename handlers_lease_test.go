package carrierfsm_test

import (
	"context"
	"sync"
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

func TestALeaderProlongsItsLeaseAndLeadsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &fenced{Store: memory.New()}
		b := newBench(t, withHandler("diary", new(diary).handle), func(c *carrierfsm.Config) { c.Store = store })
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
