package carrierfsm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What operators do: expire, look on, and stand by it with their names.

func TestExpireEndsWhateverIsAsked(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(*bench){
		"created": func(*bench) {}, "password": func(b *bench) { b.at() }, "captcha": func(b *bench) { b.at("10002") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
			b := newBench(t)
			bring(b)
			require.NoError(t, b.Expire(ctx, b.id))
			v := b.get()
			require.Equal(t, carrierfsm.Failed, v.State)
			require.Equal(t, carrierfsm.Expired, v.Reason)
			require.Nil(t, v.Prompt)
			require.Equal(t, "li.wei", lastDetail(t, b).By)
			require.Empty(t, lastDetail(t, b).Input)
			require.ErrorIs(t, b.Expire(ctx, b.id), carrierfsm.ErrNotAwaited, "what has ended can't expire")
			require.ErrorIs(t, b.Expire(ctx, "nobody"), carrierfsm.ErrNotFound)
		})
	}
}

func TestExpireIsRefusedWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		require.ErrorIs(t, b.Expire(context.Background(), b.id), carrierfsm.ErrInFlight)
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Done, b.get().State, "the answer counts")
	})
}

func TestExpireSettlesACallThatWasLeftBehindFirst(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Hour, reply("10008"))
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, err := b.Submit(ctx, b.id, captchaOf(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		pass(196 * time.Second) // deadline and grace
		other := b.another()
		require.NoError(t, other.Expire(context.Background(), b.id))
		require.Equal(t, []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.Expired}, b.latest(2))
	})
}

func TestExpireDestroysAPasswordThatIsHeld(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.at("10002")
	require.Equal(t, 1, b.Held())
	require.NoError(t, b.Expire(context.Background(), b.id))
	require.Zero(t, b.Held())
}

func TestAnOperatorsNameStandsInTheHistory(t *testing.T) {
	t.Parallel()
	ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
	for name, act := range map[string]func(*bench) error{
		"cancel": func(b *bench) error { _, err := b.Submit(ctx, b.id, carrierfsm.Cancel{}); return err },
		"expire": func(b *bench) error { return b.Expire(ctx, b.id) },
		"erase":  func(b *bench) error { return b.Erase(ctx, b.id) },
	} {
		b := newBench(t, withSealer(t))
		b.at("10002")
		require.NoError(t, act(b), name)
		require.Equal(t, "li.wei", lastDetail(t, b).By, name)
		unnamed := newBench(t)
		require.NoError(t, unnamed.Erase(context.Background(), unnamed.id))
		require.Empty(t, lastDetail(t, unnamed).By)
	}
}

func TestACancellationThatWaitsKeepsTheNameOfWhoeverAskedFirst(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10001"))
		done := b.background(captchaOf(v, "500001"))
		for _, name := range []string{"li.wei", "somebody.else"} {
			ctx := carrierfsm.ByOperator(context.Background(), name)
			_, err := b.Submit(ctx, b.id, carrierfsm.Cancel{})
			require.ErrorIs(t, err, carrierfsm.ErrPending)
		}
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Canceled, b.get().Reason)
		history, err := b.History(context.Background(), b.id)
		require.NoError(t, err)
		require.Equal(t, "li.wei", history[len(history)-1].Detail.By)
		require.Empty(t, history[len(history)-2].Detail.By, "the reply was upstream's")
	})
}

func TestAnOperatorWithoutAPlainNameDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.at("10002")
	for _, name := range []string{"", "li wei", "李伟", "13800138000", strings.Repeat("x", 65), "a\nb"} {
		ctx := carrierfsm.ByOperator(context.Background(), name)
		_, err := b.Submit(ctx, b.id, carrierfsm.Cancel{})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", name)
		require.ErrorIs(t, b.Expire(ctx, b.id), carrierfsm.ErrInvalid)
		require.ErrorIs(t, b.Erase(ctx, b.id), carrierfsm.ErrInvalid)
		require.ErrorIs(t, b.Replay(ctx, "diary", b.id, 1), carrierfsm.ErrInvalid)
	}
	require.Equal(t, before.Step, b.get().Step)
}

func TestAReplayTellsWhoAskedForIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
		d := new(diary)
		d.fail = func(_ carrierfsm.Transition, n int) error {
			if n > 1 {
				return errors.New("not again")
			}
			return nil
		}
		b := newBench(t, withHandler("diary", d.handle))
		stop := running(t, b.Machine)
		b.at("10002")
		synctest.Wait()
		stop()
		require.NoError(t, b.Replay(ctx, "diary", "v1", 2))
		why := func() string {
			rows, err := b.Parked(ctx, carrierfsm.ParkedQuery{})
			require.NoError(t, err)
			return rows[0].Why
		}
		require.Equal(t, "by li.wei", why())
		_, err := b.Deliver(ctx)
		require.Error(t, err)
		require.Equal(t, "error", why(), "what fails again says so")
	})
}

func TestPeekChangesNothingAndHandsOutNoToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		b := newBench(t)
		b.at("10002")
		pass(6 * time.Minute) // the code is too old
		v, err := b.Peek(ctx, b.id)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.CaptchaRequested, v.Reason)
		require.Equal(t, "138****8000", v.Account)
		require.Equal(t, carrierfsm.CaptchaExpired, b.get().Reason, "which Get settles")
		b.up.then(reply("10008"))
		b.must(b.captcha(b.get(), "500001"))
		require.False(t, b.get().Token.Empty())
		v, err = b.Peek(ctx, b.id)
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, v.State)
		require.True(t, v.Token.Empty())
		_, err = b.Peek(ctx, "nobody")
		require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	})
}

func TestWhatCantBeOpenedIsToldByItsColumns(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := newBench(t, withSealer(t))
	known := b.at("10002")
	blind := b.another(func(c *carrierfsm.Config) { c.Sealer = nil })
	v, err := blind.Peek(ctx, b.id)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
	require.Equal(t, known.State, v.State)
	require.Equal(t, known.Step, v.Step)
	require.Equal(t, known.Source.Website, v.Source.Website)
	require.Nil(t, v.Prompt)
	require.Empty(t, v.Account)
	history, err := blind.History(ctx, b.id)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
	require.Len(t, history, known.Step)
	require.Equal(t, carrierfsm.CaptchaRequested, history[2].Event)
	require.Zero(t, history[2].Detail)
}

func TestAHistoryOfWhichOneEntryIsBrokenTellsTheRest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := memory.New()
	b := newBench(t, func(c *carrierfsm.Config) { c.Store = brokenDetail{store} })
	b.at("10002")
	history, err := b.History(ctx, b.id)
	require.ErrorIs(t, err, carrierfsm.ErrCorrupt)
	require.Len(t, history, 3)
	require.Zero(t, history[1].Detail)
	require.Equal(t, carrierfsm.InputPassword, history[2].Detail.Input)
}

// brokenDetail spoils the second entry of each history.
type brokenDetail struct{ *memory.Store }

func (s brokenDetail) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.Store.History(ctx, id, after, limit)
	for i := range list {
		if list[i].Step == 2 {
			list[i].Detail = []byte(`{"input":"apply",`)
		}
	}
	return list, err
}

func lastDetail(t *testing.T, b *bench) carrierfsm.Detail {
	t.Helper()
	history, err := b.History(context.Background(), b.id)
	require.NoError(t, err)
	return history[len(history)-1].Detail
}
