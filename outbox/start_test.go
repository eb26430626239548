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

// handlers returns a Config with a handler of each name, and these Starts.
func handlers(r *recorder, starts map[string]outbox.Start, names ...string) outbox.Config {
	c := outbox.Config{Handlers: make(map[string]outbox.Handler), Starts: starts}
	for _, name := range names {
		c.Handlers[name] = r.handle
	}
	return c
}

func TestANewHandlerOnAStoreWithHistoryIsRefusedUnlessItSaysWhereItBegins(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := newBench(t, store)
	old := new(recorder)
	d, err := outbox.New(b.Machine, store, handlers(old, nil, "notify")) // no history yet
	require.NoError(t, err)
	b.Reach("10002") // before the handler is called for the first time
	_, err = d.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, plain, old.got())

	for _, names := range [][]string{{"notify", "bill"}, {"renamed"}} {
		_, err = outbox.New(b.Machine, store, handlers(old, nil, names...))
		require.ErrorIs(t, err, outbox.ErrNoStart)
	}
	cursors, err := d.Cursors(t.Context())
	require.NoError(t, err)
	require.Len(t, cursors, 1, "a refused handler leaves nothing")

	late := new(recorder)
	fromNow := handlers(late, map[string]outbox.Start{"bill": outbox.FromNow}, "notify", "bill")
	fromNow.Handlers["notify"] = old.handle
	_, err = outbox.New(b.Machine, store, fromNow)
	require.NoError(t, err)
	b.Must(b.Cancel())
	fromNow.Starts = nil // the store knows the name now
	d, err = outbox.New(b.Machine, store, fromNow)
	require.NoError(t, err)
	_, err = d.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"v1/4"}, late.got())
	require.Equal(t, append(plain, "v1/4"), old.got())
}

func TestARetiredHandlerIsNotCalledForAllHistoryByAReplicaThatStillHasIt(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := newBench(t, store)
	r := new(recorder)
	d, err := outbox.New(b.Machine, store, handlers(r, nil, "notify"))
	require.NoError(t, err)
	b.Reach("10002")
	require.NoError(t, d.Retire(t.Context(), "notify"))
	_, err = d.Deliver(t.Context())
	require.ErrorIs(t, err, outbox.ErrNoStart)
	require.Empty(t, r.got())
}

func TestRunCreatesTheCursorsThatNewCouldNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &detachable{Store: memory.New()}
		b := newBench(t, store)
		store.detach()
		r := new(recorder)
		d, err := outbox.New(b.Machine, store, handlers(r, map[string]outbox.Start{"late": outbox.FromNow}, "late", "unsaid"))
		require.NoError(t, err, "the store is away")
		b.Reach("10002")
		store.attach()
		defer running(t, d.Run)()
		pass(5 * time.Second)
		b.Must(b.Cancel())
		pass(5 * time.Second)
		require.Equal(t, []string{"v1/4"}, r.got(), "the one that says where it begins")
	})
}

func TestAHandlerReachesTheMachineOfItsDispatcher(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := dispatcher(b, func(ctx context.Context, tr carrierfsm.Transition) error {
		_, err := outbox.Machine(ctx).Get(ctx, tr.ID)
		return err
	})
	b.Reach("10002")
	n, err := d.Deliver(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Nil(t, outbox.Machine(t.Context()))
}
