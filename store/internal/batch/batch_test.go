package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm/store/internal/batch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeStore records what is written. A write takes a second, or, if release is
// set, until release receives. It fails for an item that begins with x.
type fakeStore struct {
	mu      sync.Mutex
	writes  [][]string
	release chan struct{}
}

func (s *fakeStore) writeBatch(ctx context.Context, items []string) []error {
	s.mu.Lock()
	s.writes = append(s.writes, slices.Clone(items))
	s.mu.Unlock()
	if s.release != nil {
		<-s.release
	} else {
		<-time.After(time.Second)
	}
	errs := make([]error, len(items))
	for i, item := range items {
		if errs[i] = ctx.Err(); item[0] == 'x' {
			errs[i] = errors.New(item)
		}
	}
	return errs
}

func (s *fakeStore) writeOne(ctx context.Context, item string) error {
	return s.writeBatch(ctx, []string{item})[0]
}

func (s *fakeStore) written() [][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// newQueue returns a queue that writes to s. The first two letters of an item
// are its ID.
func newQueue(s *fakeStore, c batch.Config[string]) *batch.Queue[string] {
	c.WriteBatch = s.writeBatch
	c.WriteOne = s.writeOne
	c.Locks = func(item string) batch.Locks { return batch.Locks{ID: item[:2]} }
	return batch.New(c)
}

// do calls Do in a goroutine and waits until every goroutine is blocked.
func do(q *batch.Queue[string], ctx context.Context, item string) <-chan error { //nolint:revive // reads like a call
	done := make(chan error, 1)
	go func() { done <- q.Do(ctx, item) }()
	synctest.Wait()
	return done
}

func TestASingleCallerWritesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{})
		start := time.Now()
		require.NoError(t, q.Do(t.Context(), "a1"))
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, [][]string{{"a1"}}, s.written())
	})
}

func TestQueuedItemsShareTheNextWriteAndEachGetsItsOwnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{})
		first := do(q, t.Context(), "a1")
		good, bad := do(q, t.Context(), "b1"), do(q, t.Context(), "x1")
		require.NoError(t, <-first)
		require.NoError(t, <-good)
		require.EqualError(t, <-bad, "x1")
		require.Equal(t, [][]string{{"a1"}, {"b1", "x1"}}, s.written())
		q.Wait()
	})
}

func TestOnlyQueuedItemsAreCloned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{Clone: func(item string) string { return item + " clone" }})
		require.True(t, q.Idle())
		first := do(q, t.Context(), "a1")
		require.False(t, q.Idle())
		second, third := do(q, t.Context(), "b1"), do(q, t.Context(), "c1")
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.NoError(t, <-third)
		require.Equal(t, [][]string{{"a1"}, {"b1 clone", "c1 clone"}}, s.written())
		q.Wait()
		require.True(t, q.Idle())
	})
}

func TestAnItemWhoseIDIsLockedDoesNotDelayOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{Concurrency: 4})
		all := []<-chan error{do(q, t.Context(), "a1"), do(q, t.Context(), "a1 again"), do(q, t.Context(), "b1"), do(q, t.Context(), "c1")}
		require.Equal(t, [][]string{{"a1"}, {"b1"}, {"c1"}}, s.written(), "later items overtake the one whose ID is locked")
		for _, done := range all {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]string{{"a1 again"}}, s.written()[3:])
	})
}

func TestItemsBeyondTheConcurrencyAreBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{Concurrency: 2})
		var all []<-chan error
		for _, item := range []string{"a1", "b1", "c1", "d1"} {
			all = append(all, do(q, t.Context(), item))
		}
		require.Equal(t, [][]string{{"a1"}, {"b1"}}, s.written(), "two at once")
		for _, done := range all {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]string{{"c1", "d1"}}, s.written()[2:])
		q.Wait()
	})
}

func TestAQueueStaysContendedForAFewWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{Concurrency: 2, MinWait: time.Minute})
		doAll := func(items ...string) (startedAtOnce int) {
			before := len(s.written())
			var all []<-chan error
			for _, item := range items {
				all = append(all, do(q, t.Context(), item))
			}
			startedAtOnce = len(s.written()) - before
			for _, done := range all {
				require.NoError(t, <-done)
			}
			synctest.Wait()
			return startedAtOnce
		}
		require.Equal(t, 2, doAll("a1", "b1", "c1"))
		require.Equal(t, 1, doAll("a1", "b1"), "a moment after three callers the queue is contended")
		for range 7 {
			doAll("a1", "b1")
		}
		require.Equal(t, 2, doAll("a1", "b1"), "after enough writes it is not")
		q.Wait()
	})
}

func TestABatchIsLimitedInNumberAndSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{MaxItems: 3, Size: func(item string) int { return len(item) }, MaxSize: 7})
		var all []<-chan error
		for _, item := range []string{"a1", "b1", "c1", "d1", "e1 very large", "f1", "g1 four"} {
			all = append(all, do(q, t.Context(), item))
		}
		for _, done := range all {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]string{{"a1"}, {"b1", "c1", "d1"}, {"e1 very large"}, {"f1"}, {"g1 four"}}, s.written())
		q.Wait()
	})
}

func TestAQueuedItemWhoseContextEndsIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeStore)
		q := newQueue(s, batch.Config[string]{})
		first := do(q, t.Context(), "a1")
		ctx, cancel := context.WithCancel(t.Context())
		canceled, second, third := do(q, ctx, "b1"), do(q, t.Context(), "c1"), do(q, t.Context(), "d1")
		cancel()
		require.ErrorIs(t, <-canceled, context.Canceled)
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.NoError(t, <-third)
		require.Equal(t, [][]string{{"a1"}, {"c1", "d1"}}, s.written())
		require.ErrorIs(t, q.Do(ctx, "e1"), context.Canceled)
		require.Len(t, s.written(), 2)
		q.Wait()
	})
}

func TestACallerWhoseContextEndsDuringTheWriteDoesNotAffectItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{release: make(chan struct{})}
		q := newQueue(s, batch.Config[string]{})
		first := do(q, t.Context(), "a1")
		ctx, cancel := context.WithCancel(t.Context())
		canceled, other := do(q, ctx, "b1"), do(q, t.Context(), "c1")
		s.release <- struct{}{}
		require.NoError(t, <-first)
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-canceled, context.Canceled, "before the write ends")
		s.release <- struct{}{}
		require.NoError(t, <-other)
		q.Wait()
	})
}

func TestAfterMinWaitAnotherWriteStartsBesideASlowFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeStore{release: make(chan struct{})}
		q := newQueue(s, batch.Config[string]{Concurrency: 2, MinWait: time.Minute})
		first, second := do(q, t.Context(), "a1"), do(q, t.Context(), "b1")
		pair := []<-chan error{do(q, t.Context(), "c1"), do(q, t.Context(), "d1")}
		s.release <- struct{}{}
		s.release <- struct{}{}
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		start := time.Now()
		late := do(q, t.Context(), "e1")
		require.Len(t, s.written(), 3, "e1 waits for the flush of c1 and d1")
		<-time.After(2 * time.Minute)
		require.Len(t, s.written(), 4, "but not longer than MinWait")
		close(s.release)
		for _, done := range append(pair, late) {
			require.NoError(t, <-done)
		}
		require.Equal(t, 2*time.Minute, time.Since(start))
		q.Wait()
	})
}

// With any items in any order, no two with the same lock are written at the same
// time, each caller gets an answer, and an item that was answered with nil was
// written exactly once.
func TestItemsWithTheSameLockAreNeverWrittenTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var mu sync.Mutex
		locked, written := make(map[string]bool), make(map[string]int)
		write := func(_ context.Context, items []string) []error {
			mu.Lock()
			for _, item := range items {
				for _, name := range []string{item[:2], "key " + item[1:2]} {
					if locked[name] {
						t.Errorf("two items with %s at the same time", name)
					}
					locked[name] = true
				}
				written[item]++
			}
			mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			for _, item := range items {
				delete(locked, item[:2])
				delete(locked, "key "+item[1:2])
			}
			return make([]error, len(items))
		}
		q := batch.New(batch.Config[string]{
			Concurrency: rapid.IntRange(1, 4).Draw(t, "concurrency"), MaxItems: rapid.IntRange(1, 5).Draw(t, "max items"),
			Locks:      func(item string) batch.Locks { return batch.Locks{ID: item[:2], Key: item[1:2]} },
			WriteOne:   func(ctx context.Context, item string) error { return write(ctx, []string{item})[0] },
			WriteBatch: write,
		})
		items := rapid.SliceOfN(rapid.SampledFrom([]string{"a1", "a2", "b1", "b2", "c3"}), 1, 30).Draw(t, "items")
		canceled := rapid.SliceOfN(rapid.Bool(), len(items), len(items)).Draw(t, "canceled")
		var all sync.WaitGroup
		errs := make([]error, len(items))
		for i, item := range items {
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if canceled[i] {
					go cancel()
				}
				errs[i] = q.Do(ctx, fmt.Sprintf("%s %d", item, i))
			})
		}
		all.Wait()
		q.Wait()
		for i, err := range errs {
			n := written[fmt.Sprintf("%s %d", items[i], i)]
			if n > 1 || err == nil && n != 1 || !canceled[i] && err != nil {
				t.Fatalf("item %d was written %d times and its error was: %v", i, n, err)
			}
		}
	})
}
