package outbox_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// slowWrites is a store in memory that takes a while to write parked rows without moving a
// cursor, and counts these writes.
type slowWrites struct {
	*memory.Store
	writes, rows atomic.Int64
}

func (s *slowWrites) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if n == 0 {
		s.writes.Add(1)
		s.rows.Add(int64(len(rows)))
		pass(10 * time.Millisecond)
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}

// Slow calls that end while the result of another one is written have theirs written
// together.
func TestResultsOfSlowCallsThatEndTogetherAreWrittenTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, calls := &slowWrites{Store: memory.New()}, atomic.Int64{}
		b := newBench(t, store)
		create(t, b, "slow", 250)
		d := dispatcher(b, func(context.Context, carrierfsm.Transition) error {
			calls.Add(1)
			pass(5 * time.Second)
			return nil
		}, func(c *outbox.Config) { c.Workers, c.SlowAfter = 250, time.Second })
		defer running(t, d.Run)()
		pass(4 * time.Second)
		require.Equal(t, 250, d.Stats().Slow)
		require.Zero(t, store.writes.Load())
		pass(10 * time.Second)
		require.Empty(t, parked(t, d), "each call has succeeded")
		require.Equal(t, int64(250), store.rows.Load())
		require.LessOrEqual(t, store.writes.Load(), int64(4), "of each of the two pages the first one, and then the others")
		require.Equal(t, int64(250), calls.Load(), "none was called again")
	})
}
