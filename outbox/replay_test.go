package outbox_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

func TestReplayDeliversStepsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := new(recorder)
		b := newBench(t)
		d := dispatcher(b, r.handle)
		defer running(t, d.Run)()
		b.Reach("10002")
		synctest.Wait()
		require.NoError(t, d.Replay(ctx, "notify", "v1", 2))
		pass(time.Second)
		synctest.Wait()
		want := append(slices.Clone(plain), "v1/2", "v1/3")
		require.Equal(t, want, r.got())
		require.NoError(t, d.Replay(ctx, "notify", "v1", 0))
		pass(time.Second)
		synctest.Wait()
		require.Equal(t, append(want, plain...), r.got())
	})
}

func TestReplayRefusesWhatDoesNotExist(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := newBench(t)
	d := dispatcher(b, new(recorder).handle)
	b.Reach("10002")
	_, err := d.Deliver(ctx)
	require.NoError(t, err)
	require.ErrorIs(t, d.Replay(ctx, "notify", "v1", 4), carrierfsm.ErrNotFound)
	require.ErrorIs(t, d.Replay(ctx, "notify", "v2", 1), carrierfsm.ErrNotFound)
	require.ErrorIs(t, d.Replay(ctx, "notice", "v1", 1), carrierfsm.ErrInvalid)
	require.ErrorIs(t, d.Replay(carrierfsm.ByOperator(ctx, strings.Repeat("x", 200)), "notify", "v1", 1), carrierfsm.ErrInvalid)
	require.Empty(t, parked(t, d))
}

func TestReplayOfAParkedVerificationRetriesItAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		r := failing(func(carrierfsm.Transition, int) error { return errHandler })
		b := newBench(t)
		d := dispatcher(b, r.handle)
		defer running(t, d.Run)()
		b.Reach("10002")
		pass(40 * time.Minute)
		rows, err := d.Parked(ctx, outbox.ParkedQuery{Handler: "notify"})
		require.NoError(t, err)
		require.Greater(t, rows[0].Attempts, 8, "retries have no end")
		require.LessOrEqual(t, time.Until(rows[0].Next), 13*time.Minute)
		r.heal()
		require.NoError(t, d.Replay(ctx, "notify", "v1", 99), "a parked one needs no step")
		pass(time.Second)
		synctest.Wait()
		require.Empty(t, parked(t, d))
		require.Equal(t, plain, r.got()[len(r.got())-3:])
	})
}

func TestReplayOfAParkedVerificationNamesItsOperator(t *testing.T) {
	t.Parallel()
	ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
	b := newBench(t)
	d := dispatcher(b, failing(func(carrierfsm.Transition, int) error { return errHandler }).handle)
	b.Reach("10002")
	_, err := d.Deliver(ctx)
	require.ErrorIs(t, err, errHandler)
	require.NoError(t, d.Replay(ctx, "notify", "v1", 1))
	require.Equal(t, "by li.wei", parked(t, d)[0].Why)
}

func TestReplayNamesItsOperatorUntilItFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
		r := failing(func(_ carrierfsm.Transition, n int) error {
			if n > 1 {
				return errHandler
			}
			return nil
		})
		b := newBench(t)
		d := dispatcher(b, r.handle)
		stop := running(t, d.Run)
		b.Reach("10002")
		synctest.Wait()
		stop()
		require.NoError(t, d.Replay(ctx, "notify", "v1", 2))
		require.Equal(t, "by li.wei", parked(t, d)[0].Why)
		_, err := d.Deliver(ctx)
		require.ErrorIs(t, err, errHandler)
		require.Equal(t, "error", parked(t, d)[0].Why)
	})
}
