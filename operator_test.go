package carrierfsm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What operators do: expire, look on, and stand by it with their names.

func TestExpireEndsWhateverIsAsked(t *testing.T) {
	t.Parallel()
	for name, bring := range map[string]func(*fsmtest.Bench){
		"created": func(*fsmtest.Bench) {}, "password": func(b *fsmtest.Bench) { b.Reach() }, "captcha": func(b *fsmtest.Bench) { b.Reach("10002") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
			b := fsmtest.New(t)
			bring(b)
			require.NoError(t, b.Machine.Expire(ctx, b.ID))
			v := b.Get()
			require.Equal(t, carrierfsm.Failed, v.State)
			require.Equal(t, carrierfsm.Expired, v.Reason)
			require.Nil(t, v.Prompt)
			require.Equal(t, "li.wei", lastDetail(b).By)
			require.Empty(t, lastDetail(b).Input)
			require.ErrorIs(t, b.Machine.Expire(ctx, b.ID), carrierfsm.ErrNotAwaited, "what has ended can't expire")
			require.ErrorIs(t, b.Machine.Expire(ctx, "nobody"), carrierfsm.ErrNotFound)
		})
	}
}

func TestExpireIsRefusedWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		require.ErrorIs(t, b.Machine.Expire(context.Background(), b.ID), carrierfsm.ErrInFlight)
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Done, b.Get().State, "the answer counts")
	})
}

func TestExpireSettlesACallThatWasLeftBehindFirst(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(time.Hour, fsmtest.Code("10008"))))
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_, err := b.Machine.Submit(ctx, b.ID, captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		pass(196 * time.Second) // deadline and grace
		require.NoError(t, b.Replica().Machine.Expire(context.Background(), b.ID))
		require.Equal(t, []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.Expired}, latest(b, 2))
		pass(time.Hour) // the call ends, and its reply is dropped
		require.Equal(t, []carrierfsm.Event{carrierfsm.Expired}, latest(b, 1))
	})
}

func TestExpireDestroysAPasswordThatIsHeld(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach("10002")
	require.Equal(t, 1, b.Machine.Held())
	require.NoError(t, b.Machine.Expire(context.Background(), b.ID))
	require.Zero(t, b.Machine.Held())
}

func TestAnOperatorsNameStandsInTheHistory(t *testing.T) {
	t.Parallel()
	ctx := carrierfsm.ByOperator(context.Background(), "li.wei")
	for name, act := range map[string]func(*fsmtest.Bench) error{
		"cancel": func(b *fsmtest.Bench) error { _, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{}); return err },
		"expire": func(b *fsmtest.Bench) error { return b.Machine.Expire(ctx, b.ID) },
		"erase":  func(b *fsmtest.Bench) error { return b.Machine.Erase(ctx, b.ID) },
	} {
		b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
		b.Reach("10002")
		require.NoError(t, act(b), name)
		require.Equal(t, "li.wei", lastDetail(b).By, name)
		unnamed := fsmtest.New(t)
		require.NoError(t, unnamed.Machine.Erase(context.Background(), unnamed.ID))
		require.Empty(t, lastDetail(unnamed).By)
	}
}

func TestACancellationThatWaitsKeepsTheNameOfWhoeverAskedFirst(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10001")))
		done := background(b, captcha(v, "500001"))
		for _, name := range []string{"li.wei", "somebody.else"} {
			ctx := carrierfsm.ByOperator(context.Background(), name)
			_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{})
			require.ErrorIs(t, err, carrierfsm.ErrPending)
		}
		require.NoError(t, <-done)
		require.Equal(t, carrierfsm.Canceled, b.Get().Reason)
		history := b.History()
		require.Equal(t, "li.wei", history[len(history)-1].Detail.By)
		require.Empty(t, history[len(history)-2].Detail.By, "the reply was upstream's")
	})
}

func TestAnOperatorWithoutAPlainNameDoesNothing(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	before := b.Reach("10002")
	for _, name := range []string{"", "li wei", "李伟", "13800138000", strings.Repeat("x", 65), "a\nb"} {
		ctx := carrierfsm.ByOperator(context.Background(), name)
		_, err := b.Machine.Submit(ctx, b.ID, carrierfsm.Cancel{})
		require.ErrorIs(t, err, carrierfsm.ErrInvalid, "%q", name)
		require.ErrorIs(t, b.Machine.Expire(ctx, b.ID), carrierfsm.ErrInvalid)
		require.ErrorIs(t, b.Machine.Erase(ctx, b.ID), carrierfsm.ErrInvalid)
		require.ErrorIs(t, b.Machine.Replay(ctx, "diary", b.ID, 1), carrierfsm.ErrInvalid)
	}
	require.Equal(t, before.Step, b.Get().Step)
}

func TestPeekChangesNothingAndHandsOutNoToken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.New(t)
	b.Reach("10002")
	b.Clock.Advance(6 * time.Minute) // the code has expired
	v := b.Must(b.Machine.Peek(ctx, b.ID))
	require.Equal(t, carrierfsm.CaptchaRequested, v.Reason)
	require.Equal(t, "138****8000", v.Account)
	require.Equal(t, carrierfsm.CaptchaExpired, b.Get().Reason, "which Get settles")
	b.Upstream.Then(fsmtest.Code("10008"))
	b.Must(b.Captcha("500001"))
	require.False(t, b.Get().Token.Empty())
	v = b.Must(b.Machine.Peek(ctx, b.ID))
	require.Equal(t, carrierfsm.Done, v.State)
	require.True(t, v.Token.Empty())
	_, err := b.Machine.Peek(ctx, "unknown")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
}

func TestWhatCantBeOpenedIsToldByItsColumns(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.NewWith(t, carrierfsm.Config{Sealer: sealer(t)})
	known := b.Reach("10002")
	blind := b.Replica(func(c *carrierfsm.Config) { c.Sealer = nil })
	v, err := blind.Machine.Peek(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
	require.Equal(t, known.State, v.State)
	require.Equal(t, known.Step, v.Step)
	require.Equal(t, known.Source.Website, v.Source.Website)
	require.Nil(t, v.Prompt)
	require.Empty(t, v.Account)
	history, err := blind.Machine.History(ctx, b.ID)
	require.ErrorIs(t, err, carrierfsm.ErrSealed)
	require.Len(t, history, known.Step)
	require.Equal(t, carrierfsm.CaptchaRequested, history[2].Event)
	require.Zero(t, history[2].Detail)
}

func TestAHistoryOfWhichOneEntryIsBrokenTellsTheRest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: brokenDetail{memory.New()}})
	b.Reach("10002")
	history, err := b.Machine.History(ctx, b.ID)
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
