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
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// What may happen while an answer is under way. Time is synctest's: a call
// that takes a minute takes none.

// background submits and returns where the answer will come.
func (b *bench) background(input carrierfsm.Input) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := b.Submit(context.Background(), b.id, input)
		done <- err
	}()
	synctest.Wait()
	return done
}

func inFlight(t *testing.T, f func(t *testing.T, b *bench, v carrierfsm.Verification), set ...func(*carrierfsm.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, set...)
		f(t, b, b.at("10002"))
	})
}

func TestASecondClickBeforeTheReplyIsRefusedAndNotSent(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		again, err := b.captcha(v, "500001")
		require.ErrorIs(t, err, carrierfsm.ErrInFlight)
		require.True(t, again.InFlight)
		require.NoError(t, <-done)
		require.Equal(t, 1, b.up.arrived("500001"))
		require.Equal(t, carrierfsm.Done, b.get().State)
	})
}

// What an adapter returns to be kept it gets back with the next request. It is
// its only memory.
func TestTheCursorOfAReplyComesBackWithTheNextRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(b.Submit(context.Background(), b.id, application(0)))
	for _, cursor := range []string{"round 1", "round 2", ""} {
		r := reply("10002")
		r.Cursor = []byte(cursor)
		b.up.then(r)
	}
	b.must(b.password(b.get(), "246810"))
	for range 3 {
		b.must(b.captcha(b.get(), "500001"))
	}
	var got []string
	for _, r := range b.up.requests {
		got = append(got, string(r.Cursor))
	}
	require.Equal(t, []string{"", "round 1", "round 2", ""}, got)
}

func TestASecondClickAfterTheReplyIsStaleAndNotSent(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.then(reply("10001"))
		b.must(b.captcha(v, "500001"))
		current, err := b.captcha(v, "500001")
		require.ErrorIs(t, err, carrierfsm.ErrStale)
		require.Equal(t, carrierfsm.PromptSecondCaptcha, current.Prompt.Kind, "a refusal comes with what is asked now")
		require.Equal(t, 1, b.up.arrived("500001"))
	})
}

func TestAResendIsRefusedWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		pass(2 * time.Minute)
		b.up.thenTake(time.Minute, reply("10004"))
		done := b.background(captchaOf(v, "500001"))
		_, err := b.Submit(context.Background(), b.id, carrierfsm.ResendCaptcha{Step: v.Step})
		require.ErrorIs(t, err, carrierfsm.ErrInFlight)
		require.NoError(t, <-done)
		require.Equal(t, 2, b.up.count())
	})
}

// At settlement a terminal reply wins, then the cancellation, then the overdue life.
func TestWhatWinsWhenAnAnswerUnderWayIsSettled(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule   string
		answer string
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
			inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
				b.up.thenTake(c.takes, reply(c.answer))
				done := b.background(captchaOf(v, "500001"))
				if c.cancel {
					for range 2 { // the second is the same as the first
						_, err := b.Submit(context.Background(), b.id, carrierfsm.Cancel{})
						require.ErrorIs(t, err, carrierfsm.ErrPending)
						require.True(t, b.get().Canceling)
					}
				}
				require.NoError(t, <-done)
				require.Empty(t, cmp.Diff(c.want, b.latest(len(c.want))))
				require.True(t, b.get().State.Terminal())
			}, func(c *carrierfsm.Config) { c.CallTimeout = 2 * time.Hour })
		})
	}
}

func TestEraseWinsAtOnceAndTheReplyIsDropped(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		require.NoError(t, b.Erase(context.Background(), b.id))
		require.Equal(t, carrierfsm.Failed, b.get().State)
		require.ErrorIs(t, <-done, carrierfsm.ErrStale)
		require.Equal(t, []carrierfsm.Event{carrierfsm.Erased}, b.latest(1))
		require.EqualValues(t, 1, b.Stats().Dropped)
	})
}

func TestTheCallersContextEndsTheWaitingAndNotTheCall(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10008"))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		pending, err := b.Submit(ctx, b.id, captchaOf(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, pending.InFlight)
		pass(time.Hour)
		require.Equal(t, carrierfsm.Done, b.get().State)
	})
}

func TestACallThatIsCutOffAtItsDeadlineIsUnknown(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenDo(func(ctx context.Context) (carrierfsm.Reply, error) {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, 180*time.Second, time.Until(deadline))
			<-ctx.Done()
			return carrierfsm.Reply{}, ctx.Err()
		})
		v = b.must(b.captcha(v, "500001"))
		require.Equal(t, carrierfsm.OutcomeUnknown, v.Prompt.Reason)
		require.False(t, v.Prompt.Resend.At.After(time.Now()), "another code may be asked for at once")
		require.Equal(t, 2, v.Prompt.AttemptsLeft, "the attempt is spent")
	})
}

// A replica died, as the others must think: its call took too long.
func TestALateReplyStillFindsItsPlace(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(10*time.Minute-time.Second, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		pass(196 * time.Second)
		n, err := b.another().Settle(context.Background())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, carrierfsm.OutcomeUnknown, b.get().Prompt.Reason)
		require.NoError(t, <-done)
		require.Empty(t, cmp.Diff([]carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.CollectionStarted}, b.latest(2)))
		history, err := b.History(context.Background(), b.id)
		require.NoError(t, err)
		require.True(t, history[len(history)-1].Detail.Late)
	}, func(c *carrierfsm.Config) { c.Limits.CodeLife = time.Hour })
}

// The clocks of replicas differ: 15 s are given beyond a call's 180.
func TestACallIsGivenUpOnceItsGraceIsOver(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Hour, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		other := b.another()
		for want, wait := range []time.Duration{195*time.Second - time.Microsecond, time.Microsecond} {
			pass(wait)
			n, err := other.Settle(context.Background())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		require.NoError(t, <-done, "the late reply finds its place")
	})
}

func TestALateReplyIsDroppedOnceSomethingNewerHappened(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(4*time.Minute, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		pass(196 * time.Second)
		asked := b.get() // settles
		b.up.then(reply("10004"))
		b.must(b.captcha(asked, "500002"))
		require.ErrorIs(t, <-done, carrierfsm.ErrStale)
		require.Equal(t, []carrierfsm.Event{carrierfsm.OutcomeUnknown, carrierfsm.CaptchaRejected}, b.latest(2))
		require.EqualValues(t, 1, b.Stats().Dropped)
	})
}

// stalled answers with a code, in a process that stands still between its intent
// and the call.
func (b *bench) stalled(v carrierfsm.Verification, d time.Duration) carrierfsm.Verification {
	b.t.Helper()
	slow := b.another(func(c *carrierfsm.Config) {
		c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
			err := commit()
			pass(d)
			return err
		}}
		c.CaptchaWithoutPassword = true
	})
	return b.must(slow.Submit(context.Background(), b.id, captchaOf(v, "500001")))
}

func TestACallBeginsWithinFiveSecondsOfItsIntentOrNotAtAll(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		after := b.stalled(v, 5*time.Second+time.Microsecond)
		require.Equal(t, carrierfsm.UpstreamUnavailable, after.Prompt.Reason)
		require.Equal(t, 3, after.Prompt.AttemptsLeft, "the attempt is given back")
		require.Zero(t, b.up.arrived("500001"))
	})
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.then(reply("10008"))
		after := b.stalled(v, 5*time.Second)
		require.Equal(t, carrierfsm.Done, after.State)
		require.Equal(t, 1, b.up.arrived("500001"))
	})
}

func TestAnOutcomeIsStoredOnceTheStoreIsBack(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		commits := 0
		m := b.another(func(c *carrierfsm.Config) {
			c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
				if commits++; commits > 1 && commits < 8 {
					return errors.New("the disk is full")
				}
				return commit()
			}}
			c.CaptchaWithoutPassword = true
		})
		b.up.then(reply("10008"))
		after, err := m.Submit(context.Background(), b.id, captchaOf(v, "500001"))
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, after.State)
		require.Equal(t, 1, b.up.arrived("500001"))
	})
}

func TestAnOutcomeThatCantBeStoredIsPendingAndThenUnknown(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		commits := 0
		m := b.another(func(c *carrierfsm.Config) {
			c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
				if commits++; commits > 1 {
					return errors.New("the disk is full")
				}
				return commit()
			}}
			c.CaptchaWithoutPassword = true
		})
		b.up.then(reply("10008"))
		_, err := m.Submit(context.Background(), b.id, captchaOf(v, "500001"))
		require.ErrorIs(t, err, carrierfsm.ErrPending)
		require.ErrorIs(t, err, carrierfsm.ErrStore)
		pass(time.Second)
		require.Equal(t, carrierfsm.OutcomeUnknown, b.get().Prompt.Reason)
	})
}

func TestACommitWhoseAnswerWasLostIsRecognised(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		m := b.another(func(c *carrierfsm.Config) {
			c.Store = storeWith{Store: c.Store, commit: func(commit func() error) error {
				if err := commit(); err != nil {
					return err
				}
				return errors.New("the connection was lost")
			}}
			c.CaptchaWithoutPassword = true
		})
		b.up.then(reply("10008"))
		after, err := m.Submit(context.Background(), b.id, captchaOf(v, "500001"))
		require.NoError(t, err)
		require.Equal(t, carrierfsm.Done, after.State)
		require.Equal(t, 1, b.up.arrived("500001"))
		require.Len(t, b.events(), 4)
	})
}

func TestCloseWaitsForWhatIsUnderWayAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		short, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.Close(short), context.DeadlineExceeded)
		_, err := b.captcha(v, "500002")
		require.ErrorIs(t, err, carrierfsm.ErrClosed)
		require.NoError(t, b.Close(context.Background()))
		require.NoError(t, <-done)
		require.Zero(t, b.Stats().InFlight)
	})
}

func TestAtTheBoundSubmissionsWaitAndMayStopWaiting(t *testing.T) {
	t.Parallel()
	inFlight(t, func(t *testing.T, b *bench, v carrierfsm.Verification) {
		b.up.thenTake(time.Minute, reply("10008"))
		done := b.background(captchaOf(v, "500001"))
		other, err := b.Create(context.Background(), carrierfsm.NewVerification{})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err = b.Submit(ctx, other.ID, application(0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, carrierfsm.ErrPending, "it was not accepted")
		require.NoError(t, <-done)
		_, err = b.Submit(context.Background(), other.ID, application(0))
		require.NoError(t, err)
	}, func(c *carrierfsm.Config) { c.MaxInFlight = 1 })
}

// storeWith puts something around every commit.
type storeWith struct {
	carrierfsm.Store
	commit func(commit func() error) error
}

func (s storeWith) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.commit(func() error { return s.Store.Commit(ctx, r, e...) })
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
	b := newBench(t, func(c *carrierfsm.Config) { c.Store, c.MaxInFlight = store, 1 })
	store.breaks = true
	require.Panics(t, func() { _, _ = b.Submit(context.Background(), b.id, application(0)) })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	v := b.must(b.Submit(ctx, b.id, application(0)))
	require.Equal(t, carrierfsm.AwaitingPassword, v.State)
}
