package outbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

type observed struct{} // the key of a context that the observer returned

func TestAnObserverReceivesEachCallWithItsLag(t *testing.T) {
	t.Parallel()
	var starts []outbox.HandleStart
	var ends []outbox.HandleDone
	b := fsmtest.New(t)
	d := b.Dispatcher(outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": func(ctx context.Context, tr carrierfsm.Transition) error {
			require.Equal(t, true, ctx.Value(observed{}))
			if tr.Event == carrierfsm.PasswordRequested && len(starts) == 2 {
				return errHandler
			}
			return nil
		}},
		Observer: &outbox.Observer{Handle: func(ctx context.Context, h outbox.HandleStart) (context.Context, func(outbox.HandleDone)) {
			starts = append(starts, h)
			return context.WithValue(ctx, observed{}, true), func(h outbox.HandleDone) { ends = append(ends, h) }
		}},
	})
	b.Must(b.Apply())
	b.Clock.Advance(time.Minute)
	_, err := d.Deliver(context.Background())
	require.ErrorIs(t, err, errHandler)
	b.Clock.Advance(time.Hour)
	_, err = d.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, []outbox.HandleStart{
		{Handler: "notify", ID: "v1", Step: 1, Event: "application_accepted"},
		{Handler: "notify", ID: "v1", Step: 2, Event: "password_requested"},
		{Handler: "notify", ID: "v1", Step: 2, Event: "password_requested"},
	}, starts)
	require.Equal(t, []outbox.HandleDone{
		{Lag: time.Minute}, {Why: "error", Lag: time.Minute}, {Lag: time.Hour + time.Minute},
	}, ends)
}

func TestAnObserverWithoutFunctionsObservesNothing(t *testing.T) {
	t.Parallel()
	r := new(recorder)
	b := newBench(t)
	d := dispatcher(b, r.handle, func(c *outbox.Config) { c.Observer = new(outbox.Observer) })
	b.Reach("10002")
	_, err := d.Deliver(context.Background())
	require.NoError(t, err)
	require.Equal(t, plain, r.got())
}

// A projection has one call for all transitions of a batch: the last names it, and the lag
// is that of the first.
func TestAnObserverReceivesEachCallOfAProjection(t *testing.T) {
	t.Parallel()
	var starts []outbox.HandleStart
	var ends []outbox.HandleDone
	b := fsmtest.New(t)
	d, p := projecting(b, func(c *outbox.Config) {
		c.Observer = &outbox.Observer{Handle: func(ctx context.Context, h outbox.HandleStart) (context.Context, func(outbox.HandleDone)) {
			starts = append(starts, h)
			return ctx, func(h outbox.HandleDone) { ends = append(ends, h) }
		}}
	})
	p.fail = func(n int) error {
		switch n {
		case 1:
			return errHandler
		case 2:
			panic("broken")
		default:
			return nil
		}
	}
	b.Must(b.Apply())
	b.Clock.Advance(time.Minute)
	b.Reach("10002")
	for range 2 {
		_, err := d.Deliver(context.Background())
		require.Error(t, err)
	}
	_, err := d.Deliver(context.Background())
	require.NoError(t, err)
	last := outbox.HandleStart{Handler: "sums", ID: "v1", Step: 3, Event: b.Events()[2]}
	require.Equal(t, []outbox.HandleStart{last, last, last}, starts)
	require.Equal(t, []outbox.HandleDone{
		{Why: "error", Lag: time.Minute}, {Why: "panic", Lag: time.Minute}, {Lag: time.Minute},
	}, ends)
}
