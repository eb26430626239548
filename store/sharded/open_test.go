package sharded_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// A service that starts between the closing of a shard and the opening of its copy works
// with the others. One that was given the address of the copy works with it once it is open.
func TestAShardThatIsClosedIsRefusedUntilItIsOpen(t *testing.T) {
	t.Parallel()
	copied := memory.New()
	at := func(i int) sharded.Member {
		if i == 1 {
			return copied
		}
		return memory.New()
	}
	require.NoError(t, copied.SetShard(t.Context(), "b", 1, "256-512/1024"))
	require.NoError(t, copied.SetShard(t.Context(), "b", 2, sharded.MovedPrefix+"256-512/1024"))
	s := open(t, config(at))
	r := carrierfsm.Record{ID: "s100-v", State: carrierfsm.Created, Version: 1, Created: noon, Updated: noon}
	for range 10 { // it answers: its calls are not refused for a while
		require.ErrorIs(t, s.Create(t.Context(), r), carrierfsm.ErrMoved)
		_, err := s.Load(t.Context(), r.ID)
		require.ErrorIs(t, err, carrierfsm.ErrMoved)
	}
	other := r
	other.ID = "s000-v"
	require.NoError(t, s.Create(t.Context(), other), "another shard")
	require.NoError(t, copied.SetShard(t.Context(), "b", 3, "256-512/1024"))
	require.NoError(t, s.Create(t.Context(), r))
}

// A replica that starts while a shard drains works with it: it commits outcomes, and begins
// calls again when the shard drains no more. The refusals are no failures of the shard.
func TestAReplicaThatStartsWhileAShardDrainsWorksWithIt(t *testing.T) {
	t.Parallel()
	draining := memory.New()
	at := func(i int) sharded.Member {
		if i == 1 {
			return draining
		}
		return memory.New()
	}
	require.NoError(t, draining.SetShard(t.Context(), "b", 1, "256-512/1024"))
	r := carrierfsm.Record{ID: "s100-v", State: carrierfsm.Created, Version: 1, Created: noon, Updated: noon, InFlight: true}
	require.NoError(t, draining.Create(t.Context(), r))
	require.NoError(t, draining.DrainShard(t.Context(), 1, true))
	s := open(t, config(at))
	fresh := r
	fresh.ID = "s100-w"
	for range 10 {
		require.ErrorIs(t, s.Create(t.Context(), fresh), carrierfsm.ErrMoved)
	}
	r.Version, r.InFlight = 2, false
	require.NoError(t, s.Commit(t.Context(), r))
	r.Version, r.InFlight = 3, true
	for range 10 {
		require.Equal(t, carrierfsm.ErrMoved, s.Commit(t.Context(), r))
	}
	require.NoError(t, draining.DrainShard(t.Context(), 1, false))
	require.NoError(t, s.Commit(t.Context(), r))

	require.NoError(t, draining.SetShard(t.Context(), "b", 2, sharded.MovedPrefix+"256-512/1024"))
	require.ErrorIs(t, draining.DrainShard(t.Context(), 2, true), carrierfsm.ErrConflict, "it was closed")
	require.ErrorIs(t, draining.DrainShard(t.Context(), 2, false), carrierfsm.ErrConflict)
	require.ErrorIs(t, memory.New().DrainShard(t.Context(), 0, true), carrierfsm.ErrConflict, "it is no shard")
}

// later has each shard opened later, and its server down until it is up.
func later(c sharded.Config, up *atomic.Bool, opened *atomic.Int64) sharded.Config {
	for i := range c.Shards {
		store := c.Shards[i].Store
		c.Shards[i].Store = nil
		c.Shards[i].Open = func(context.Context) (sharded.Member, error) {
			if i == 1 && !up.Load() {
				return nil, errDown
			}
			opened.Add(1)
			return watched{store}, nil
		}
	}
	return c
}

// A store whose opening needs the server, as that of PostgreSQL does, is opened when the
// server is there, once.
func TestAServiceStartsWhileTheStoreOfAShardCanNotBeOpened(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	var opened atomic.Int64
	s := open(t, later(config(inMemory), &up, &opened))
	r := carrierfsm.Record{ID: "s100-v", State: carrierfsm.Created, Version: 1, Created: noon, Updated: noon}
	other := r
	other.ID = "s000-v"
	require.NoError(t, s.Create(t.Context(), other))
	require.ErrorIs(t, s.Create(t.Context(), r), errDown)

	watched := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		_ = watch(ctx, s, 1, func() { close(watched) })
	}()
	up.Store(true)
	require.NoError(t, s.Create(t.Context(), r))
	<-watched
	require.EqualValues(t, 4, opened.Load())
}

// watch watches a shard.
func watch(ctx context.Context, s *sharded.Store, shard int, committed func()) error {
	return s.Shards()[shard].Store.(interface {
		Watch(ctx context.Context, committed func()) error
	}).Watch(ctx, committed)
}

// watched is a store whose Watch finds a commit at once.
type watched struct{ sharded.Member }

func (watched) Watch(ctx context.Context, committed func()) error {
	committed()
	<-ctx.Done()
	return ctx.Err()
}

func TestACloseBeforeAShardIsOpenEndsItsCalls(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	var opened atomic.Int64
	s, err := sharded.New(t.Context(), later(config(inMemory), &up, &opened))
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- watch(context.Background(), s, 1, func() {}) }()
	require.NoError(t, s.Close())
	require.ErrorIs(t, <-ended, carrierfsm.ErrClosed)
	up.Store(true)
	_, err = s.Load(t.Context(), "s100-v")
	require.ErrorIs(t, err, carrierfsm.ErrClosed)
	require.EqualValues(t, 3, opened.Load())
}

// closable is a store that says when it is closed.
type closable struct {
	sharded.Member
	closed *atomic.Int64
}

func (c closable) Close() error {
	c.closed.Add(1)
	return c.Member.(io.Closer).Close()
}

// The caller of New has no store of a shard that New opened, and can't close it.
func TestANewThatFailsClosesWhatItOpened(t *testing.T) {
	t.Parallel()
	c := config(inMemory)
	var closed atomic.Int64
	for i := range 2 {
		store := closable{c.Shards[i].Store, &closed}
		require.NoError(t, store.SetShard(t.Context(), "another", 1, "0-256/1024"))
		c.Shards[i].Store = nil
		c.Shards[i].Open = func(context.Context) (sharded.Member, error) { return store, nil }
	}
	given := closable{c.Shards[2].Store, &closed}
	c.Shards[2].Store = given
	_, err := sharded.New(t.Context(), c)
	require.ErrorIs(t, err, sharded.ErrMap)
	require.EqualValues(t, 2, closed.Load(), "not one that was given")
	require.NoError(t, given.Close())
}

// A server that neither answers nor refuses would keep a process from ending.
func TestACloseEndsAnOpening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(inMemory)
		c.Shards[1].Store = nil
		c.Shards[1].Open = func(ctx context.Context) (sharded.Member, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		s, err := sharded.New(t.Context(), c)
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			_, err := s.Load(context.Background(), "s100-v")
			ended <- err
		}()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		select {
		case err := <-closed:
			require.NoError(t, err)
		case <-time.After(time.Minute):
			t.Fatal("Close waits for the server")
		}
		require.ErrorIs(t, <-ended, carrierfsm.ErrClosed)
	})
}
