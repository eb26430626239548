package outbox_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// A store with shards: each has leases and cursors of its own.

// shards returns a store of shards in memory with these names.
func shards(t *testing.T, names ...string) *sharded.Store {
	t.Helper()
	c := sharded.Config{Create: true}
	for _, name := range names {
		c.Shards = append(c.Shards, sharded.Shard{Name: name, Store: memory.New()})
	}
	s, err := sharded.New(t.Context(), c)
	require.NoError(t, err)
	return s
}

// held returns how many leases are held.
func held(t *testing.T, d *outbox.Dispatcher) (n int) {
	t.Helper()
	cursors, err := d.Cursors(context.Background())
	require.NoError(t, err)
	for _, c := range cursors {
		if c.Owner != "" {
			n++
		}
	}
	return n
}

// So replicas that start together get some each. What a replica has lost does not count.
func TestAReplicaWaitsLongerBeforeEachFurtherLeaseOfAHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := dispatcher(newBench(t, shards(t, "a", "b", "c", "d")), new(recorder).handle,
			func(c *outbox.Config) { c.PollInterval = 10 * time.Second })
		for range 2 {
			stop := running(t, d.Run)
			defer stop()
			for n, wait := range []time.Duration{time.Second, 2 * time.Second, 3 * time.Second} {
				pass(wait - time.Millisecond)
				require.Equal(t, n+1, held(t, d))
				pass(time.Millisecond)
				synctest.Wait()
				require.Equal(t, n+2, held(t, d))
			}
			stop()
		}
	})
}

func TestTheCursorsOfAHandlerOnAllShardsAreTogether(t *testing.T) {
	t.Parallel()
	store := shards(t, "b", "a")
	d := newBench(t, store).Dispatcher(handlers(new(recorder), nil, "notify", "count"))
	cursors, err := d.Cursors(context.Background())
	require.NoError(t, err)
	var list []string
	for _, c := range cursors {
		list = append(list, c.Name+" "+c.Shard)
	}
	require.Equal(t, []string{"count b", "count a", "notify b", "notify a"}, list, "the shards in the order of the store")
}
