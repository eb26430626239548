package group_test

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

	"github.com/carrierfsm/carrierfsm/store/internal/group"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// medium is what the items of a test are written to. A write takes a second,
// or until it is let go.
type medium struct {
	mu     sync.Mutex
	writes [][]string
	hold   chan struct{}
}

func (m *medium) write(ctx context.Context, items []string) []error {
	m.mu.Lock()
	m.writes = append(m.writes, slices.Clone(items))
	m.mu.Unlock()
	if m.hold != nil {
		<-m.hold
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

func (m *medium) one(ctx context.Context, item string) error { return m.write(ctx, []string{item})[0] }

func (m *medium) seen() [][]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.writes)
}

// queue names an item by its first two letters.
func queue(m *medium, c group.Config[string]) *group.Queue[string] {
	c.Write = m.write
	c.One = m.one
	c.Claim = func(item string) group.Claim { return group.Claim{ID: item[:2]} }
	return group.New(c)
}

// do starts a Do and waits until it stands still.
func do(q *group.Queue[string], ctx context.Context, item string) <-chan error { //nolint:revive // reads like a call
	done := make(chan error, 1)
	go func() { done <- q.Do(ctx, item) }()
	synctest.Wait()
	return done
}

func TestWhoIsAloneGoesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{})
		begun := time.Now()
		require.NoError(t, q.Do(t.Context(), "a1"))
		require.Equal(t, time.Second, time.Since(begun))
		require.Equal(t, [][]string{{"a1"}}, m.seen())
	})
}

func TestWhoeverWaitsSharesTheNextWriteAndGetsAVerdictOfHisOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{})
		first := do(q, t.Context(), "a1")
		good, bad := do(q, t.Context(), "b1"), do(q, t.Context(), "x1")
		require.NoError(t, <-first)
		require.NoError(t, <-good)
		require.EqualError(t, <-bad, "x1")
		require.Equal(t, [][]string{{"a1"}, {"b1", "x1"}}, m.seen())
		q.Wait()
	})
}

// Who waits may have gone when his item is written; who does not, has not.
func TestWhatIsKeptIsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{Keep: func(item string) string { return item + " kept" }})
		require.True(t, q.Idle())
		first := do(q, t.Context(), "a1")
		require.False(t, q.Idle())
		second, third := do(q, t.Context(), "b1"), do(q, t.Context(), "c1")
		require.NoError(t, <-first)
		require.NoError(t, <-second)
		require.NoError(t, <-third)
		require.Equal(t, [][]string{{"a1"}, {"b1 kept", "c1 kept"}}, m.seen())
		q.Wait()
		require.True(t, q.Idle())
	})
}

func TestWhoWaitsForANameHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{Flights: 4})
		all := []<-chan error{do(q, t.Context(), "a1"), do(q, t.Context(), "a1 again"), do(q, t.Context(), "b1"), do(q, t.Context(), "c1")}
		require.Equal(t, [][]string{{"a1"}, {"b1"}, {"c1"}}, m.seen(), "one waits for its name, behind whom others may go")
		for _, done := range all {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]string{{"a1 again"}}, m.seen()[3:])
	})
}

func TestFewGoSideBySideAndMoreTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{Flights: 2})
		var all []<-chan error
		for _, item := range []string{"a1", "b1", "c1", "d1"} {
			all = append(all, do(q, t.Context(), item))
		}
		require.Equal(t, [][]string{{"a1"}, {"b1"}}, m.seen(), "two at once")
		for _, done := range all {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]string{{"c1", "d1"}}, m.seen()[2:])
		q.Wait()
	})
}

// One write at a time takes all for as long as there are many, now and then;
// once there have been few for a while, they go side by side again.
func TestWhenItHasBeenCalmForAWhileFewGoSideBySideAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{Flights: 2, Patience: time.Minute})
		together := func(items ...string) (atOnce int) {
			before := len(m.seen())
			var all []<-chan error
			for _, item := range items {
				all = append(all, do(q, t.Context(), item))
			}
			atOnce = len(m.seen()) - before
			for _, done := range all {
				require.NoError(t, <-done)
			}
			synctest.Wait()
			return atOnce
		}
		require.Equal(t, 2, together("a1", "b1", "c1"))
		require.Equal(t, 1, together("a1", "b1"), "there were three just now")
		for range 7 {
			together("a1", "b1")
		}
		require.Equal(t, 2, together("a1", "b1"))
		q.Wait()
	})
}

func TestAWriteTakesAtMostSoManyAndSoMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{Most: 3, Size: func(item string) int { return len(item) }, Full: 7})
		var all []<-chan error
		for _, item := range []string{"a1", "b1", "c1", "d1", "e1 very large", "f1", "g1 four"} {
			all = append(all, do(q, t.Context(), item))
		}
		for _, done := range all {
			require.NoError(t, <-done)
		}
		require.Equal(t, [][]string{{"a1"}, {"b1", "c1", "d1"}, {"e1 very large"}, {"f1"}, {"g1 four"}}, m.seen())
		q.Wait()
	})
}

func TestAWaiterWhoseContextEndsIsNotWrittenAndTheOthersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(medium)
		q := queue(m, group.Config[string]{})
		first := do(q, t.Context(), "a1")
		ctx, cancel := context.WithCancel(t.Context())
		gone, stays, too := do(q, ctx, "b1"), do(q, t.Context(), "c1"), do(q, t.Context(), "d1")
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
		require.NoError(t, <-first)
		require.NoError(t, <-stays)
		require.NoError(t, <-too)
		require.Equal(t, [][]string{{"a1"}, {"c1", "d1"}}, m.seen())
		require.ErrorIs(t, q.Do(ctx, "e1"), context.Canceled)
		require.Len(t, m.seen(), 2)
		q.Wait()
	})
}

func TestACancelledMemberOfAWriteLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{hold: make(chan struct{})}
		q := queue(m, group.Config[string]{})
		first := do(q, t.Context(), "a1")
		ctx, cancel := context.WithCancel(t.Context())
		gone, stays := do(q, ctx, "b1"), do(q, t.Context(), "c1")
		m.hold <- struct{}{}
		require.NoError(t, <-first)
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled, "nobody has to wait for the write")
		m.hold <- struct{}{}
		require.NoError(t, <-stays)
		q.Wait()
	})
}

func TestASlowWriteHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &medium{hold: make(chan struct{})}
		q := queue(m, group.Config[string]{Flights: 2, Patience: time.Minute})
		alone, too := do(q, t.Context(), "a1"), do(q, t.Context(), "b1")
		pair := []<-chan error{do(q, t.Context(), "c1"), do(q, t.Context(), "d1")}
		m.hold <- struct{}{}
		m.hold <- struct{}{}
		require.NoError(t, <-alone)
		require.NoError(t, <-too)
		begun := time.Now()
		late := do(q, t.Context(), "e1")
		require.Len(t, m.seen(), 3, "who comes now gathers behind the pair")
		<-time.After(2 * time.Minute)
		require.Len(t, m.seen(), 4, "but not for ever")
		close(m.hold)
		for _, done := range append(pair, late) {
			require.NoError(t, <-done)
		}
		require.Equal(t, 2*time.Minute, time.Since(begun))
		q.Wait()
	})
}

// Whatever comes in whatever order, no two that claim the same are under way at
// once, everybody gets an answer, and what was answered was written just once.
func TestItemsThatClaimTheSameNeverMeet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var mu sync.Mutex
		under, written := make(map[string]bool), make(map[string]int)
		write := func(_ context.Context, items []string) []error {
			mu.Lock()
			for _, item := range items {
				for _, name := range []string{item[:2], "key " + item[1:2]} {
					if under[name] {
						t.Errorf("%s is there twice", name)
					}
					under[name] = true
				}
				written[item]++
			}
			mu.Unlock()
			mu.Lock()
			defer mu.Unlock()
			for _, item := range items {
				delete(under, item[:2])
				delete(under, "key "+item[1:2])
			}
			return make([]error, len(items))
		}
		q := group.New(group.Config[string]{
			Flights: rapid.IntRange(1, 4).Draw(t, "flights"), Most: rapid.IntRange(1, 5).Draw(t, "most"),
			Claim: func(item string) group.Claim { return group.Claim{ID: item[:2], Key: item[1:2]} },
			One:   func(ctx context.Context, item string) error { return write(ctx, []string{item})[0] },
			Write: write,
		})
		items := rapid.SliceOfN(rapid.SampledFrom([]string{"a1", "a2", "b1", "b2", "c3"}), 1, 30).Draw(t, "items")
		cancelled := rapid.SliceOfN(rapid.Bool(), len(items), len(items)).Draw(t, "cancelled")
		var all sync.WaitGroup
		answers := make([]error, len(items))
		for i, item := range items {
			all.Go(func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				if cancelled[i] {
					go cancel()
				}
				answers[i] = q.Do(ctx, fmt.Sprintf("%s %d", item, i))
			})
		}
		all.Wait()
		q.Wait()
		for i, err := range answers {
			n := written[fmt.Sprintf("%s %d", items[i], i)]
			if n > 1 || err == nil && n != 1 || !cancelled[i] && err != nil {
				t.Fatalf("item %d was written %d times; its answer was: %v", i, n, err)
			}
		}
	})
}
