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
	cpu chan struct{} // which one batch has at a time

	mu      sync.Mutex
	needs   time.Duration // of the CPU, for a batch and as much for 32 items
	away    time.Duration // until the answer arrives
	release chan struct{} // the next batch hangs until it is closed
	running int
	batches int // since becomes
	items   int
	sums    int // of running, over all batches
}

func (s *server) write(_ context.Context, items []string) []error {
	s.mu.Lock()
	s.running++
	s.batches++
	s.items += len(items)
	s.sums += s.running
	needs, away, release := s.needs, s.away, s.release
	s.release = nil
	s.mu.Unlock()
	if release != nil {
		<-release
	}
	if needs > 0 {
		s.cpu <- struct{}{}
		<-time.After(needs + needs*time.Duration(len(items))/32)
		<-s.cpu
	}
	<-time.After(away)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	return make([]error, len(items))
}

// becomes changes the server.
func (s *server) becomes(needs, away time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.needs, s.away, s.batches, s.items, s.sums = needs, away, 0, 0, 0
}

// await waits until so many batches have begun, and returns how many items each had and
// how many ran at once, on average.
func (s *server) await(batches int) (items, beside float64) {
	for {
		s.mu.Lock()
		n, items, sums := float64(s.batches), float64(s.items), float64(s.sums)
		s.mu.Unlock()
		if int(n) >= batches {
			return items / n, sums / n
		}
		<-time.After(time.Millisecond)
	}
}

// queue returns a queue that writes to s.
func (s *server) queue(concurrency int) *batch.Queue[string] {
	s.cpu = make(chan struct{}, 1)
	return batch.New(batch.Config[string]{
		WriteOne:   func(ctx context.Context, item string) error { return s.write(ctx, []string{item})[0] },
		WriteBatch: s.write, Concurrency: concurrency, MinWait: 20 * time.Millisecond, MaxWait: 320 * time.Millisecond,
	})
}

// drive calls Do of a queue that writes to s from so many goroutines, until the test ends.
func (s *server) drive(t *testing.T, callers, concurrency int) {
	t.Helper()
	q := s.queue(concurrency)
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = q.Do(ctx, fmt.Sprint(i))
			}
		})
	}
	t.Cleanup(func() { stop(); all.Wait(); q.Wait() })
}

func TestFlushesRunBesideEachOtherWhereItemsAreWrittenSoonerThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.becomes(0, 50*time.Millisecond)
		s.drive(t, 64, 4)
		const learning = 6000 // more than the longest time until the other way is tried
		for range 2 {
			s.await(learning)
			s.becomes(0, 50*time.Millisecond)
			_, beside := s.await(600)
			require.Greater(t, beside, 3.0, "a server that is far away")

			s.becomes(30*time.Millisecond, 0)
			s.await(learning)
			s.becomes(30*time.Millisecond, 0)
			items, beside := s.await(600)
			require.Less(t, beside, 1.5, "a server with little CPU")
			require.Greater(t, items, 24.0)

			s.becomes(0, 50*time.Millisecond)
		}
	})
}

// Items wait longer in the other way, and those that do are more than one in a hundred
// if it is tried for 32 of 544 flushes.
func TestTheOtherWayIsTriedRarelyWhereItKeepsFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.becomes(30*time.Millisecond, 0)
		s.drive(t, 64, 4)
		s.await(20_000)
		s.becomes(30*time.Millisecond, 0)
		_, beside := s.await(10_000)
		require.Less(t, beside, 1.02)
	})
}

// An item each 10 ms is less than either way can carry.
func TestFlushesRunBesideEachOtherWhereALoadIsSmallAndTheServerFarAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(server)
		s.becomes(0, 200*time.Millisecond)
		q := s.queue(4)
		var all sync.WaitGroup
		arrive := func(n int) {
			for range n {
				all.Go(func() { _ = q.Do(context.Background(), "item") })
				<-time.After(10 * time.Millisecond)
			}
		}
		arrive(20_000)
		s.becomes(0, 200*time.Millisecond)
		arrive(5_000)
		_, beside := s.await(1)
		require.Greater(t, beside, 2.5)
		all.Wait()
		q.Wait()
	})
}

// The items of others then don't wait for a batch that waits for a lock.
func TestAFlushThatHangsIsAwaitedForFourTimesTheUsualTime(t *testing.T) {
	t.Parallel()
	for takes, want := range map[time.Duration]time.Duration{
		2 * time.Millisecond:   20 * time.Millisecond,
		50 * time.Millisecond:  200 * time.Millisecond,
		100 * time.Millisecond: 320 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := new(server)
			s.becomes(0, takes)
			s.drive(t, 8, 2)
			s.await(12) // the other way has not been tried yet
			release := make(chan struct{})
			s.mu.Lock()
			s.release = release
			n := s.batches
			s.mu.Unlock()
			s.await(n + 1)
			begun := time.Now()
			s.await(n + 2)
			require.InDelta(t, want, time.Since(begun), float64(2*time.Millisecond), takes)
			close(release)
		})
	}
}
