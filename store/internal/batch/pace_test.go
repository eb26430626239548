package batch_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/internal/batch"
)

// server is a store that takes some time for a batch.
type server struct {
	cpu  chan struct{} // which only one batch has
	slow bool          // a batch needs the CPU: some time, and more for each item
	away bool          // the answer takes some time

	mu      sync.Mutex
	running int
	batches int
	items   int
	sums    int // of running, over all batches
}

func (s *server) write(_ context.Context, items []string) []error {
	s.mu.Lock()
	s.running++
	s.batches++
	s.items += len(items)
	s.sums += s.running
	slow, away := s.slow, s.away
	s.mu.Unlock()
	if slow {
		s.cpu <- struct{}{}
		<-time.After(time.Millisecond + time.Duration(len(items))*50*time.Microsecond)
		<-s.cpu
	}
	if away {
		<-time.After(10 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	return make([]error, len(items))
}

// becomes changes the server, and lets the queue find out.
func (s *server) becomes(slow, away bool) {
	s.mu.Lock()
	s.slow, s.away = slow, away
	s.mu.Unlock()
	<-time.After(4 * time.Second)
	s.mu.Lock()
	s.batches, s.items, s.sums = 0, 0, 0
	s.mu.Unlock()
	<-time.After(time.Second)
}

// counted returns how many items a batch had, and how many batches ran at once.
func (s *server) counted() (items, beside float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(s.items) / float64(s.batches), float64(s.sums) / float64(s.batches)
}

func TestFlushesRunBesideEachOtherWhereThatCarriesMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &server{away: true, cpu: make(chan struct{}, 1)}
		q := batch.New(batch.Config[string]{
			WriteOne:   func(ctx context.Context, item string) error { return s.write(ctx, []string{item})[0] },
			WriteBatch: s.write, Concurrency: 4, MinWait: 20 * time.Millisecond, MaxWait: 320 * time.Millisecond,
		})
		ctx, stop := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				for ctx.Err() == nil {
					_ = q.Do(ctx, fmt.Sprint(i))
				}
			})
		}
		for range 2 {
			s.becomes(false, true)
			_, beside := s.counted()
			require.Greater(t, beside, 3.0, "a server that is far away")
			s.becomes(true, false)
			items, beside := s.counted()
			require.Less(t, beside, 1.5, "a server with little CPU")
			require.Greater(t, items, 24.0)
		}
		stop()
		callers.Wait()
		q.Wait()
	})
}
