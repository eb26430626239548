package sharded_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// subject returns a store of shards that can be down and be moved.
func subject(o opener) func(tb testing.TB) fsmtest.ShardedSubject {
	return func(tb testing.TB) fsmtest.ShardedSubject {
		tb.Helper()
		first, _ := o(tb)
		c, list := unreliably(config(first))
		return fsmtest.ShardedSubject{
			Store: open(tb, c),
			Down: func(i int) func() {
				list[i].down.Store(true)
				return func() { list[i].down.Store(false) }
			},
			Move: func(i int) error {
				ctx := context.Background()
				name, epoch, slots, err := list[i].Shard(ctx)
				if err != nil {
					return err
				}
				return list[i].SetShard(ctx, name, epoch+1, slots)
			},
			Database: func(i int) fsmtest.ShardDatabase { return list[i] },
		}
	}
}

func TestShardsInMemory(t *testing.T) {
	t.Parallel()
	fsmtest.TestSharded(t, subject(memories))
}

func TestShardsOnSQLite(t *testing.T) {
	t.Parallel()
	fsmtest.TestSharded(t, subject(files))
}

func TestShardsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster.Cluster(t)
	fsmtest.TestSharded(t, subject(servers))
}

func TestAConfigurationThatCantBeRightIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sharded.Config){
		"no shards": func(c *sharded.Config) { c.Shards = nil },
		"no store":  func(c *sharded.Config) { c.Shards[1].Store = nil },
		"no name":   func(c *sharded.Config) { c.Shards[1].Name = "" },
		"Store and Open": func(c *sharded.Config) {
			c.Shards[1].Open = func(context.Context) (sharded.Member, error) { return memory.New(), nil }
		},
		"a name with a dot":  func(c *sharded.Config) { c.Shards[1].Name = "b.c" },
		"one name twice":     func(c *sharded.Config) { c.Shards[1].Name = "a" },
		"fewer slots":        func(c *sharded.Config) { c.Slots = 3 },
		"too many slots":     func(c *sharded.Config) { c.Slots = 4097 },
		"slots of one shard": func(c *sharded.Config) { c.Shards[1].Slots = sharded.Range{First: 0, End: 1024} },
		"a gap":              func(c *sharded.Config) { give(c, 0, 256, 256, 512, 512, 768, 769, 1024) },
		"an overlap":         func(c *sharded.Config) { give(c, 0, 256, 255, 512, 512, 768, 768, 1024) },
		"a negative value":   func(c *sharded.Config) { c.MaxInFlight = -1 },
	} {
		c := config(inMemory)
		change(&c)
		_, err := sharded.New(t.Context(), c)
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, name)
	}
	c := config(inMemory)
	give(&c, 0, 1, 1, 512, 512, 768, 768, 1024)
	s := open(t, c)
	require.Zero(t, s.ShardOf("s000-v"))
	require.Equal(t, 1, s.ShardOf("s001-v"))
}

// give gives the shards ranges of slots.
func give(c *sharded.Config, bounds ...int) {
	for i := range c.Shards {
		c.Shards[i].Slots = sharded.Range{First: bounds[2*i], End: bounds[2*i+1]}
	}
}

// What a stored id says must never change its meaning.
func TestAnIDHasItsSlotForEver(t *testing.T) {
	t.Parallel()
	s := open(t, config(inMemory))
	for id, want := range map[string]string{"v1": "s092-v1", "order-4711": "s193-order-4711"} {
		require.Equal(t, want, s.PlaceID(id, ""))
		require.Equal(t, s.ShardOf(want), s.ShardOf(id), "a bare id is where its hash says")
	}
	require.Equal(t, "s0c9-v1", s.PlaceID("v1", "key-of-v1"))
	require.Equal(t, []int{0, 0, 1, 2, 3}, []int{s.ShardOf("s000-x"), s.ShardOf("s0ff-x"), s.ShardOf("s100-x"), s.ShardOf("s2ab-x"), s.ShardOf("s3ff-x")})
	for _, id := range []string{"s400-x", "s3FF-x", "s3ff-", "s3ff", "x3ff-x", "s03f_x", "s-1f-x", "s+1f-x"} {
		require.Equal(t, s.ShardOf(s.PlaceID(id, "")), s.ShardOf(id), "%q has no slot in front: it is hashed", id)
	}
}

func TestNewRefusesADatabaseThatIsAnotherShard(t *testing.T) {
	t.Parallel()
	stores := make([]*memory.Store, shards)
	for i := range stores {
		stores[i] = memory.New()
	}
	at := func(i int) sharded.Member { return stores[i] }
	c := config(at)
	c.Create = false
	_, err := sharded.New(t.Context(), c)
	require.ErrorIs(t, err, sharded.ErrMap, "new databases, and Create is not set")
	_, err = sharded.New(t.Context(), config(at))
	require.NoError(t, err)
	_, err = sharded.New(t.Context(), c)
	require.NoError(t, err, "the databases say which shards they are")

	c.Shards[0].Store, c.Shards[3].Store = stores[3], stores[0]
	_, err = sharded.New(t.Context(), c)
	require.ErrorIs(t, err, sharded.ErrMap, "two addresses are exchanged")
	require.ErrorContains(t, err, "it says d")
	c = config(at)
	c.Slots = 512
	_, err = sharded.New(t.Context(), c)
	require.ErrorIs(t, err, sharded.ErrMap, "another number of slots")
	c = config(at)
	c.Shards[2].Store = memory.New()
	c.Create = false
	_, err = sharded.New(t.Context(), c)
	require.ErrorIs(t, err, sharded.ErrMap, "an empty database")
	require.NoError(t, stores[1].SetShard(t.Context(), "b", 2, ""))
	_, err = sharded.New(t.Context(), config(at))
	require.ErrorIs(t, err, sharded.ErrMap, "no slots")
}

// A service that starts while a shard is down works with the others, and with that one
// once it is there and is the right one.
func TestAShardThatIsDownAtTheStartIsCheckedWhenItAnswers(t *testing.T) {
	t.Parallel()
	c, list := unreliably(config(inMemory))
	open(t, c) // says which shards they are
	list[1].down.Store(true)
	s := open(t, c)
	require.NoError(t, s.Create(t.Context(), carrierfsm.Record{ID: "s000-v", State: carrierfsm.Created, Version: 1, Created: noon, Updated: noon}))
	_, err := s.Load(t.Context(), "s100-v")
	require.ErrorIs(t, err, errDown)
	require.ErrorContains(t, err, "shard b")
	list[1].down.Store(false)
	_, err = s.Load(t.Context(), "s100-v")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)

	list[2].down.Store(true)
	s = open(t, c)
	list[2].down.Store(false)
	require.NoError(t, list[2].SetShard(t.Context(), "another", 2, ""))
	_, err = s.Load(t.Context(), "s200-v")
	require.ErrorIs(t, err, sharded.ErrMap)
}
