package outbox_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestRunEndsWhenItsStoreIsClosed(t *testing.T) {
	t.Parallel()
	for name, fails := range map[string]error{"while it waits": nil, "while a handler fails": errHandler} {
		synctest.Test(t, func(t *testing.T) {
			store := memory.New()
			b := newBench(t, store)
			d := dispatcher(b, failing(func(carrierfsm.Transition, int) error { return fails }).handle)
			b.Reach("10002")
			ended := make(chan error, 1)
			go func() { ended <- d.Run(context.Background()) }()
			synctest.Wait()
			require.Empty(t, ended)
			require.NoError(t, store.Close())
			begun := time.Now()
			require.ErrorIs(t, <-ended, carrierfsm.ErrClosed, name)
			require.LessOrEqual(t, time.Since(begun), 2*time.Second, "the poll interval")
		})
	}
}

func TestADispatcherOnAClosedStoreReturnsErrClosed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := memory.New()
	b := newBench(t, store)
	d := dispatcher(b, new(recorder).handle)
	require.NoError(t, store.Close())
	_, deliver := d.Deliver(ctx)
	_, cursors := d.Cursors(ctx)
	_, parked := d.Parked(ctx, outbox.ParkedQuery{})
	for name, err := range map[string]error{
		"Deliver": deliver, "Cursors": cursors, "Parked": parked, "Replay": d.Replay(ctx, "notify", b.ID, 1),
	} {
		require.ErrorIs(t, err, carrierfsm.ErrClosed, name)
		require.NotErrorIs(t, err, carrierfsm.ErrStore, name)
	}
}

// A number that a store cuts to 32 bits would begin again at the first step.
func TestAReplayBeyondTheLastStepFindsNothing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := newBench(t, narrow{memory.New()})
	h := new(recorder)
	d := dispatcher(b, h.handle)
	b.Reach("10002")
	_, err := d.Deliver(ctx)
	require.NoError(t, err)
	for _, from := range []int64{4, 101, math.MaxInt32, math.MaxInt32 + 1, 1<<32 + 1, 1<<63 - 1} {
		require.ErrorIs(t, d.Replay(ctx, "notify", b.ID, int(min(from, math.MaxInt))), carrierfsm.ErrNotFound, from)
	}
	for _, id := range []string{"", "v1\x00", "\xff", "v 1"} {
		require.ErrorIs(t, d.Replay(ctx, "notify", id, 1), carrierfsm.ErrNotFound, "%q", id)
	}
	_, err = d.Deliver(ctx)
	require.NoError(t, err)
	require.Equal(t, plain, h.got(), "nothing was delivered again")
}

// narrow is a store that cuts steps to 32 bits, which no store should.
type narrow struct{ *memory.Store }

func (s narrow) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	return s.Store.History(ctx, id, int(int32(after)), limit)
}

// The longest interval that a Duration holds, plus its jitter, must not end in the past.
func TestTheLongestRetryIntervalIsNotShort(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for range 50 { // the jitter is random
		b := newBench(t)
		d := dispatcher(b, failing(func(carrierfsm.Transition, int) error { return errHandler }).handle, func(c *outbox.Config) {
			c.RetryMin, c.RetryMax = math.MaxInt64, math.MaxInt64
		})
		b.Reach("10002")
		_, err := d.Deliver(ctx)
		require.Error(t, err)
		require.Greater(t, time.Until(parked(t, d)[0].Next), 100*365*24*time.Hour)
	}
}
