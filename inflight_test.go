package carrierfsm_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What may happen while a call is in flight. The time is that of a synctest
// bubble.

// atCode runs f in a synctest bubble, with a verification that waits for its code.
// Its machine has the time of the bubble.
func atCode(t *testing.T, cfg carrierfsm.Config, f func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Now = time.Now
		b := fsmtest.NewWith(t, cfg)
		f(t, b, b.Reach("10002"))
	})
}

func TestASecondClickBeforeTheReplyIsRefusedAndNotSent(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		again, err := b.Submit(captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrInFlight)
		require.True(t, again.InFlight)
		require.NoError(t, <-done)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
		require.Equal(t, carrierfsm.Done, b.Get().State)
	})
}

// The cursor that an adapter returns is its only memory.
func TestTheCursorOfAReplyComesBackWithTheNextRequest(t *testing.T) {
	t.Parallel()
	b := fsmtest.New(t)
	b.Reach()
	var got []string
	for _, cursor := range []string{"round 1", "round 2", "", "ignored"} {
		b.Upstream.Then(fsmtest.Func(func(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
			got = append(got, string(r.Cursor))
			return carrierfsm.Reply{Success: true, Code: "10002", Cursor: []byte(cursor)}, nil
		}))
	}
	b.Must(b.Password("246810"))
	for range 3 {
		b.Must(b.Captcha("500001"))
	}
	require.Equal(t, []string{"", "round 1", "round 2", ""}, got)
}

func TestASecondClickAfterTheReplyIsStaleAndNotSent(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.Code("10001"))
		b.Must(b.Submit(captcha(v, "500001")))
		current, err := b.Submit(captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrStale)
		require.Equal(t, carrierfsm.PromptSecondCaptcha, current.Prompt.Kind, "a refusal comes with the present prompt")
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

func TestAResendIsRefusedWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		pass(2 * time.Minute)
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10004")))
		done := background(b, captcha(v, "500001"))
		_, err := b.Submit(carrierfsm.ResendCaptcha{Step: v.Step})
		require.ErrorIs(t, err, carrierfsm.ErrInFlight)
		require.NoError(t, <-done)
		require.Len(t, b.Upstream.Calls(), 3, "the application, the password, the code")
	})
}

// At settlement a terminal reply wins, then the cancellation, then the overdue life.
func TestWhatWinsWhenAnAnswerUnderWayIsSettled(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule   string
		answer carrierfsm.ProcessCode
		cancel bool
		takes  time.Duration
		want   []carrierfsm.Event
	}{
		{"a terminal reply wins over a cancellation", "10008", true, time.Minute, []carrierfsm.Event{carrierfsm.CollectionStarted}},
		{"a cancellation wins over a further prompt", "10001", true, time.Minute, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.Canceled}},
		{"a terminal reply wins over the overdue life", "10008", false, time.Hour, []carrierfsm.Event{carrierfsm.CollectionStarted}},
		{"the overdue life wins over a further prompt", "10001", false, time.Hour, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.Expired}},
		{"a cancellation wins over the overdue life", "10001", true, time.Hour, []carrierfsm.Event{carrierfsm.CaptchaRequested, carrierfsm.Canceled}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			atCode(t, carrierfsm.Config{CallTimeout: 2 * time.Hour}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
				b.Upstream.Then(fsmtest.After(c.takes, fsmtest.Code(c.answer)))
				done := background(b, captcha(v, "500001"))
				if c.cancel {
					for range 2 { // the second changes nothing
						_, err := b.Cancel()
						require.ErrorIs(t, err, carrierfsm.ErrPending)
						require.True(t, b.Get().Canceling)
					}
				}
				require.NoError(t, <-done)
				require.Empty(t, cmp.Diff(c.want, latest(b, len(c.want))))
				require.True(t, b.Get().State.Terminal())
			})
		})
	}
}

func TestEraseWinsAtOnceAndTheReplyIsDropped(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		require.NoError(t, b.Machine.Erase(context.Background(), b.ID))
		require.Equal(t, carrierfsm.Failed, b.Get().State)
		require.ErrorIs(t, <-done, carrierfsm.ErrStale)
		require.Equal(t, []carrierfsm.Event{carrierfsm.Erased}, latest(b, 1))
		require.EqualValues(t, 1, b.Machine.Stats().Dropped)
	})
}

func TestTheCallersContextEndsTheWaitingAndNotTheCall(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		pending, err := b.Machine.Submit(ctx, b.ID, captcha(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, pending.InFlight)
		pass(time.Hour)
		require.Equal(t, carrierfsm.Done, b.Get().State)
	})
}

func TestACallThatIsCutOffAtItsDeadlineIsUnknown(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.Func(func(ctx context.Context, _ carrierfsm.Request) (carrierfsm.Reply, error) {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, 180*time.Second, time.Until(deadline))
			<-ctx.Done()
			return carrierfsm.Reply{}, ctx.Err()
		}))
		v := b.Must(b.Captcha("500001"))
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Prompt.Reason)
		require.False(t, v.Prompt.Resend.At.After(time.Now()), "another code may be requested at once")
		require.Equal(t, 2, v.Prompt.AttemptsLeft, "the attempt is spent")
	})
}

// To the other replicas, a call that takes too long is one whose replica died.
func TestALateReplyStillFindsItsPlace(t *testing.T) {
	t.Parallel()
	cfg := carrierfsm.Config{Limits: carrierfsm.Limits{CodeLife: time.Hour}}
	atCode(t, cfg, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(10*time.Minute-time.Second, fsmtest.Code("10008"))))
		done := background(b, captcha(v, "500001"))
		pass(196 * time.Second)
		n, err := b.Replica().Machine.Settle(context.Background())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, carrierfsm.OutcomeUnknown, b.Get().Prompt.Reason)
		require.NoError(t, <-done)
		require.Empty(t, cmp.Diff([]carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.CollectionStarted}, latest(b, 2)))
		require.True(t, lastDetail(b).Late)
	})
}

// The clocks of replicas differ: a call gets 15 s beyond its 180.
func TestACallIsGivenUpOnceItsGraceIsOver(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(time.Hour, fsmtest.Code("10008"))))
		done := background(b, captcha(v, "500001"))
		other := b.Replica()
		for want, wait := range []time.Duration{195*time.Second - time.Microsecond, time.Microsecond} {
			pass(wait)
			n, err := other.Machine.Settle(context.Background())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		require.NoError(t, <-done, "the late reply is still taken")
	})
}

func TestALateReplyIsDroppedOnceSomethingNewerHappened(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.IgnoreContext(fsmtest.After(4*time.Minute, fsmtest.Code("10008"))))
		done := background(b, captcha(v, "500001"))
		pass(196 * time.Second)
		b.Get() // settles
		b.Upstream.Then(fsmtest.Code("10004"))
		b.Must(b.Captcha("500002"))
		require.ErrorIs(t, <-done, carrierfsm.ErrStale)
		require.Equal(t, []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.CaptchaRejected}, latest(b, 2))
		require.EqualValues(t, 1, b.Machine.Stats().Dropped)
	})
}

// storeWith wraps every commit of a store.
type storeWith struct {
	carrierfsm.Store
	commit func(commit func() error) error
}

func (s storeWith) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.commit(func() error { return s.Store.Commit(ctx, r, e...) })
}

// committing is a replica whose commits are wrapped. It needs no password with a
// code: another one holds that.
func committing(b *fsmtest.Bench, commit func(commit func() error) error) *fsmtest.Bench {
	return b.Replica(func(c *carrierfsm.Config) {
		c.Store = storeWith{Store: c.Store, commit: commit}
		c.CaptchaWithoutPassword = true
	})
}

func TestACallBeginsWithinFiveSecondsOfItsIntentOrNotAtAll(t *testing.T) {
	t.Parallel()
	// stalled submits a code in a process that stops between its intent and its call.
	stalled := func(b *fsmtest.Bench, d time.Duration) carrierfsm.Verification {
		slow := committing(b, func(commit func() error) error {
			err := commit()
			pass(d)
			return err
		})
		return b.Must(slow.Captcha("500001"))
	}
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		after := stalled(b, 5*time.Second+time.Microsecond)
		require.Equal(t, carrierfsm.UpstreamUnavailable, after.Prompt.Reason)
		require.Equal(t, 3, after.Prompt.AttemptsLeft, "the attempt is given back")
		require.Zero(t, b.Upstream.Arrivals("500001"))
	})
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, stalled(b, 5*time.Second).State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

func TestAnOutcomeIsStoredOnceTheStoreIsBack(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		commits := 0
		m := committing(b, func(commit func() error) error {
			if commits++; commits > 1 && commits < 8 {
				return errors.New("the disk is full")
			}
			return commit()
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, b.Must(m.Captcha("500001")).State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
	})
}

func TestAnOutcomeThatCantBeStoredIsPendingAndThenUnknown(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		commits := 0
		m := committing(b, func(commit func() error) error {
			if commits++; commits > 1 {
				return errors.New("the disk is full")
			}
			return commit()
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		_, err := m.Captcha("500001")
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		pass(time.Second)
		require.Equal(t, carrierfsm.OutcomeUnknown, b.Get().Prompt.Reason)
	})
}

func TestACommitWhoseAnswerWasLostIsRecognised(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, _ carrierfsm.Verification) {
		m := committing(b, func(commit func() error) error {
			if err := commit(); err != nil {
				return err
			}
			return errors.New("the connection was lost")
		})
		b.Upstream.Then(fsmtest.Code("10008"))
		require.Equal(t, carrierfsm.Done, b.Must(m.Captcha("500001")).State)
		require.Equal(t, 1, b.Upstream.Arrivals("500001"))
		require.Len(t, b.Events(), 4)
	})
}

func TestCloseWaitsForWhatIsUnderWayAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.Machine.Close(short), context.DeadlineExceeded)
		_, err := b.Captcha("500002")
		require.ErrorIs(t, err, carrierfsm.ErrClosed)
		require.NoError(t, b.Machine.Close(context.Background()))
		require.NoError(t, <-done)
		require.Zero(t, b.Machine.Stats().InFlight)
	})
}

func TestAtTheBoundSubmissionsWaitAndMayStopWaiting(t *testing.T) {
	t.Parallel()
	atCode(t, carrierfsm.Config{MaxInFlight: 1}, func(t *testing.T, b *fsmtest.Bench, v carrierfsm.Verification) {
		b.Upstream.Then(fsmtest.After(time.Minute, fsmtest.Code("10008")))
		done := background(b, captcha(v, "500001"))
		other := b.Create(carrierfsm.NewVerification{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := other.Machine.Submit(ctx, other.ID, application(0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, carrierfsm.ErrPending, "it was not accepted")
		require.NoError(t, <-done)
		b.Must(other.Apply())
	})
}

// brittleStore panics when it loads, once.
type brittleStore struct {
	*memory.Store
	breaks bool
}

func (s *brittleStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if s.breaks {
		s.breaks = false
		panic("the store broke")
	}
	return s.Store.Load(ctx, id)
}

func TestAStoreThatPanicsTakesNoPlaceAway(t *testing.T) {
	t.Parallel()
	store := &brittleStore{Store: memory.New()}
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, MaxInFlight: 1})
	store.breaks = true
	require.Panics(t, func() { _, _ = b.Submit(application(0)) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	v := b.Must(b.Machine.Submit(ctx, b.ID, application(0)))
	require.Equal(t, carrierfsm.AwaitingPassword, v.State)
}
