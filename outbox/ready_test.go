package outbox_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func TestADispatcherIsReadyWhileItsHandlersAreCalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), memory.New()
		b := newBench(t, store)
		d := dispatcher(b, new(recorder).handle)
		require.ErrorContains(t, d.Ready(ctx), "Run does not run")
		stop := running(t, d.Run)
		synctest.Wait()
		require.NoError(t, d.Ready(ctx))
		require.Equal(t, 1, d.Stats().Running)
		b.Reach("10002")
		pass(time.Hour)
		require.NoError(t, d.Ready(ctx))
		stop()
		require.ErrorContains(t, d.Ready(ctx), "Run does not run")
		require.NoError(t, b.Dispatcher(outbox.Config{}).Ready(ctx), "without handlers there is nothing to run")
		ended, cancel := context.WithCancel(ctx)
		cancel()
		require.ErrorIs(t, d.Ready(ended), context.Canceled)
		require.NoError(t, store.Close())
		require.ErrorIs(t, d.Ready(ctx), carrierfsm.ErrClosed)
	})
}

func TestADispatcherIsNotReadyWhileAHandlerLags(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := newBench(t, &failingPending{Store: memory.New(), until: time.Now().Add(20 * time.Minute)})
		d := dispatcher(b, new(recorder).handle)
		defer running(t, d.Run)()
		b.Reach("10002")
		pass(14 * time.Minute)
		require.NoError(t, d.Ready(ctx))
		pass(2 * time.Minute)
		require.ErrorContains(t, d.Ready(ctx), "the handler notify is 16m0s behind")
		pass(5 * time.Minute)
		require.NoError(t, d.Ready(ctx))
	})
}

func TestADispatcherIsNotReadyWhileAHandlerIsRefusedOrHasNoHolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, store := t.Context(), &detachable{Store: memory.New()}
		b := newBench(t, store)
		d := dispatcher(b, new(recorder).handle)
		defer running(t, d.Run)()
		b.Reach("10002")
		pass(time.Minute)
		require.NoError(t, d.Ready(ctx))
		store.detach()
		refused, err := outbox.New(b.Machine, store, handlers(new(recorder), nil, "unsaid"))
		require.NoError(t, err, "the store is away")
		defer running(t, refused.Run)()
		pass(time.Minute)
		require.ErrorContains(t, d.Ready(ctx), "no replica holds the lease of the handler notify")
		store.attach()
		pass(time.Minute)
		require.NoError(t, d.Ready(ctx))
		require.ErrorIs(t, refused.Ready(ctx), outbox.ErrNoStart)
	})
}
