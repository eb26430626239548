package sharded_test

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
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// After some failures in a row no call reaches a shard, but one now and then; the first
// that succeeds opens it. The other shards get all their calls.
func TestAShardThatFailsIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, list := unreliably(config(inMemory))
		s, err := sharded.New(t.Context(), c)
		require.NoError(t, err)
		down, up := "s100-v", "s200-v"
		list[1].down.Store(true)
		list[1].calls.Store(0)
		for range 20 {
			_, err := s.Load(t.Context(), down)
			require.Error(t, err)
			require.NotErrorIs(t, err, carrierfsm.ErrNotFound)
			_, err = s.Load(t.Context(), up)
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		}
		require.EqualValues(t, 5, list[1].calls.Load(), "calls that reached the shard")
		_, err = s.Load(t.Context(), down)
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		require.ErrorContains(t, err, "shard b")

		for _, pause := range []time.Duration{500, 1000, 2000, 4000, 5000, 5000} {
			before := list[1].calls.Load()
			<-time.After(pause*time.Millisecond - 1)
			_, _ = s.Load(t.Context(), down)
			require.Equal(t, before, list[1].calls.Load(), "before the pause is over")
			<-time.After(1)
			for range 3 {
				_, _ = s.Load(t.Context(), down)
			}
			require.Equal(t, before+1, list[1].calls.Load(), "one call finds out")
		}
		list[1].down.Store(false)
		<-time.After(5 * time.Second)
		for range 10 {
			_, err = s.Load(t.Context(), down)
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		}
		require.NoError(t, s.Close())
	})
}

// An error that is an answer, and a caller who gives up, say nothing against a shard.
func TestARefusalIsNoFailure(t *testing.T) {
	t.Parallel()
	c, list := unreliably(config(inMemory))
	s := open(t, c)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err := s.Load(t.Context(), "s000-v")
		require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		_, err = s.Load(gone, "s000-v")
		require.ErrorIs(t, err, context.Canceled)
	}
	list[0].down.Store(true)
	for range 4 {
		_, err := s.Load(t.Context(), "s000-v")
		require.ErrorIs(t, err, errDown)
	}
	list[0].down.Store(false)
	_, err := s.Load(t.Context(), "s000-v")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
}

// cut is a shard whose loads fail at the same moment.
type cut struct {
	sharded.Member
	at <-chan struct{}
}

func (c cut) Load(context.Context, string) (carrierfsm.Record, error) {
	<-c.at
	return carrierfsm.Record{}, errDown
}

// Connections that are cut at one moment are one failure, however many calls they had.
func TestCallsThatFailTogetherAreOneFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(inMemory)
		at := make(chan struct{})
		c.Shards[1].Store = cut{c.Shards[1].Store, at}
		s, err := sharded.New(t.Context(), c)
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _, _ = s.Load(t.Context(), "s100-v") })
		}
		synctest.Wait()
		<-time.After(time.Millisecond)
		close(at)
		all.Wait()
		for range 4 { // five in a row with the one above
			_, err = s.Load(t.Context(), "s100-v")
			require.ErrorIs(t, err, errDown)
		}
		_, err = s.Load(t.Context(), "s100-v")
		require.ErrorContains(t, err, "refused after 5 failures in a row")
		require.NoError(t, s.Close())
	})
}

// hanging is a shard whose loads hang until their context ends.
type hanging struct{ sharded.Member }

func (h hanging) Load(ctx context.Context, _ string) (carrierfsm.Record, error) {
	<-ctx.Done()
	return carrierfsm.Record{}, ctx.Err()
}

// A shard that hangs fills its own places and no others; it is then found to be down.
func TestAShardThatHangsFillsItsOwnPlacesOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(inMemory)
		c.MaxInFlight = 10
		c.Shards[1].Store = hanging{c.Shards[1].Store}
		s, err := sharded.New(t.Context(), c)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				_, err := s.Load(ctx, "s100-v")
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		_, err = s.Load(ctx, "s100-v")
		require.ErrorIs(t, err, carrierfsm.ErrStore, "at once")
		_, err = s.Load(ctx, "s200-v")
		require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		all.Wait()
		_, err = s.Load(t.Context(), "s100-v")
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		require.ErrorContains(t, err, "in a row")
	})
}

// hangingFirst is a shard whose first loads hang until their context ends.
type hangingFirst struct {
	sharded.Member
	left *atomic.Int64
}

func (h hangingFirst) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if h.left.Add(-1) >= 0 {
		<-ctx.Done()
		return carrierfsm.Record{}, ctx.Err()
	}
	return h.Member.Load(ctx, id)
}

// refusing returns a store that refuses the calls of its second shard, because five have failed.
// The shard answers again, but for the first loads that hang.
func refusing(t *testing.T) (*sharded.Store, hangingFirst) {
	t.Helper()
	c, list := unreliably(config(inMemory))
	first := hangingFirst{c.Shards[1].Store, new(atomic.Int64)}
	c.Shards[1].Store = first
	s, err := sharded.New(t.Context(), c)
	require.NoError(t, err)
	list[1].down.Store(true)
	for range 5 {
		_, err = s.Load(t.Context(), "s100-v")
		require.ErrorIs(t, err, errDown)
	}
	list[1].down.Store(false)
	return s, first
}

// The call that finds out whether a shard answers again may hang itself: the next one does not
// wait for its end.
func TestACallThatHangsKeepsNoShardRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, first := refusing(t)
		first.left.Store(1)
		<-time.After(500 * time.Millisecond)
		var all sync.WaitGroup
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			_, err := s.Load(ctx, "s100-v")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
		synctest.Wait()
		_, err := s.Load(t.Context(), "s100-v")
		require.ErrorContains(t, err, "in a row")
		<-time.After(time.Second)
		for range 10 {
			_, err = s.Load(t.Context(), "s100-v")
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		}
		all.Wait()
		for range 10 {
			_, err = s.Load(t.Context(), "s100-v")
			require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		}
		require.NoError(t, s.Close())
	})
}

// A shard that hangs is found to be down also where no caller waits for a second. Callers
// who give up say nothing while others get answers, nor do those who give up at once.
func TestCallersWhoWaitBrieflyFindOutThatAShardHangs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		waits    time.Duration
		calls    int
		pause    time.Duration // between two of them
		answered bool          // others, meanwhile
		refused  bool          // afterwards
	}{
		"each call hangs":             {400 * time.Millisecond, 5, 0, false, true},
		"too few calls":               {400 * time.Millisecond, 4, 0, false, false},
		"too short a time":            {180 * time.Millisecond, 5, 0, false, false},
		"others are answered":         {400 * time.Millisecond, 20, 0, true, false},
		"callers who give up at once": {10 * time.Millisecond, 500, 0, false, false},
		"one call an hour":            {400 * time.Millisecond, 20, time.Hour, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := config(inMemory)
				first := hangingFirst{c.Shards[1].Store, new(atomic.Int64)}
				c.Shards[1].Store = first
				s, err := sharded.New(t.Context(), c)
				require.NoError(t, err)
				for i := range test.calls {
					if test.answered && i%4 == 3 {
						_, err = s.Load(t.Context(), "s100-v")
						require.ErrorIs(t, err, carrierfsm.ErrNotFound)
					}
					first.left.Store(1)
					ctx, cancel := context.WithTimeout(t.Context(), test.waits)
					_, err = s.Load(ctx, "s100-v")
					cancel()
					require.ErrorIs(t, err, context.DeadlineExceeded)
					<-time.After(test.pause)
				}
				_, err = s.Load(t.Context(), "s100-v")
				require.Equal(t, test.refused, errors.Is(err, carrierfsm.ErrStore), err)
				require.Equal(t, !test.refused, errors.Is(err, carrierfsm.ErrNotFound), err)
				<-time.After(500 * time.Millisecond)
				_, err = s.Load(t.Context(), "s100-v")
				require.ErrorIs(t, err, carrierfsm.ErrNotFound, "it answers again")
				require.NoError(t, s.Close())
			})
		})
	}
}

// A caller who gives up at once finds out nothing: the next call may try.
func TestACallerWhoGivesUpAtOnceKeepsNoShardRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, first := refusing(t)
		<-time.After(500 * time.Millisecond)
		for range 10 {
			first.left.Store(1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err := s.Load(ctx, "s100-v")
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		_, err := s.Load(t.Context(), "s100-v")
		require.ErrorIs(t, err, carrierfsm.ErrNotFound)
		require.NoError(t, s.Close())
	})
}

// Callers who give up together are one, however many they are.
func TestCallersWhoGiveUpTogetherAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(inMemory)
		first := hangingFirst{c.Shards[1].Store, new(atomic.Int64)}
		c.Shards[1].Store = first
		s, err := sharded.New(t.Context(), c)
		require.NoError(t, err)
		for i := range 5 {
			first.left.Store(20)
			ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					_, err := s.Load(ctx, "s100-v")
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Error(i, err)
					}
				})
			}
			all.Wait()
			cancel()
		}
		_, err = s.Load(t.Context(), "s100-v")
		require.ErrorContains(t, err, "in a row")
		require.NoError(t, s.Close())
	})
}
