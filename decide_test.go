package carrierfsm_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

func TestAnIntentSpendsTheAttemptAndIsNoStep(t *testing.T) {
	t.Parallel()
	calls := map[InputKind]Call{
		InputApply: CallApply, InputPassword: CallCollect, InputQueryPassword: CallCollect,
		InputCaptcha: CallCollect, InputResendCaptcha: CallResend, InputResetCaptcha: CallReset,
	}
	for ask, kind := range answerOf {
		before := prompted(ask)
		o := submitted(before, kind)
		require.Equal(t, before.Version+1, o.Version)
		require.Equal(t, before.Step, o.Step)
		require.Equal(t, before.State, o.State)
		require.Equal(t, before.Ask, o.Ask)
		require.Equal(t, 1, o.Attempts.Of(ask))
		require.Empty(t, before.Attempts, "the value before is unchanged")
		require.Nil(t, before.Intent)
		deadline := after(2*time.Minute + coreTimeout)
		require.Empty(t, cmp.Diff(&Intent{
			Version: o.Version, Call: calls[kind], Input: kind, At: after(2 * time.Minute), Deadline: deadline, Counted: []PromptKind{ask},
		}, o.Intent))
		require.Equal(t, deadline.Add(coreGrace), o.Due, "no other timer is due before")
		require.Equal(t, "13800138000", o.Account)
		require.Equal(t, "test-1", o.Consent.Policy)
	}
	resend := submitted(prompted(PromptCaptcha), InputResendCaptcha)
	require.Equal(t, CallResend, resend.Intent.Call)
	require.Empty(t, resend.Intent.Counted, "a resend spends no attempt")
	require.Empty(t, resend.Attempts)
}

func TestAPasswordTypedBesideACodeCountsForBoth(t *testing.T) {
	t.Parallel()
	in := Captcha{Step: coreStep, Code: NewSecret("500001"), Password: NewSecret("246810")}
	o := prompted(PromptCaptcha)
	o.Attempts = o.Attempts.Put(PromptPassword, 1)
	require.NoError(t, o.Refuse(in, after(0), DefaultLimits()))
	next := o.Intend(in, after(0), after(coreTimeout), coreGrace)
	require.Empty(t, cmp.Diff(AttemptsOf(map[PromptKind]int{PromptCaptcha: 1, PromptPassword: 2}), next.Attempts))
	require.Equal(t, coreStep, next.PasswordStep)
	given := next.Settle(Faulted(FaultNotSent), after(time.Second), DefaultLimits())
	require.Empty(t, cmp.Diff(AttemptsOf(map[PromptKind]int{PromptCaptcha: 0, PromptPassword: 1}), given.Attempts), "both are given back")

	o.Attempts = o.Attempts.Put(PromptPassword, 2)
	require.ErrorIs(t, o.Refuse(in, after(0), DefaultLimits()), ErrTooMany)
	in.Password = Secret{}
	require.NoError(t, o.Refuse(in, after(0), DefaultLimits()), "the code alone is still accepted")
}

func TestOnlyWhatWasCertainlyNotSentIsGivenBack(t *testing.T) {
	t.Parallel()
	now := after(3 * time.Minute)
	for ask := range answerOf {
		notSent := inFlight(ask).Settle(Faulted(FaultNotSent), now, DefaultLimits())
		require.Equal(t, []Event{UpstreamUnavailable}, eventsOf(notSent))
		require.Zero(t, notSent.Attempts.Of(ask), ask)
		unknown := inFlight(ask).Settle(Faulted(FaultUnknown), now, DefaultLimits())
		require.Equal(t, []Event{OutcomeUnknown}, eventsOf(unknown))
		require.Equal(t, 1, unknown.Attempts.Of(ask), ask)
		for _, d := range []Decision{notSent, unknown} {
			checkSteps(t, inFlight(ask), d)
			require.Equal(t, ask, d.Ask, "the prompt is the same")
			require.Equal(t, stateOf[ask], d.State)
			require.Empty(t, d.Message, "there was no reply")
			require.Nil(t, d.Lost)
		}
	}
}

func TestAResendThatWasNotSentIsGivenBackToo(t *testing.T) {
	t.Parallel()
	o := prompted(PromptCaptcha)
	o.Resends = 1
	for fault, left := range map[Fault]int{FaultNotSent: 1, FaultUnknown: 2} {
		d := submitted(o, InputResendCaptcha).Settle(Faulted(fault), after(3*time.Minute), DefaultLimits())
		require.Equal(t, left, d.Resends, fault)
		require.Empty(t, d.Attempts, "no attempt was spent")
	}
	d := submitted(o, InputResendCaptcha).Settle(reply("10002"), after(3*time.Minute), DefaultLimits())
	require.Equal(t, 2, d.Resends)
	require.Equal(t, after(4*time.Minute), d.ResendAt)
	require.Equal(t, after(8*time.Minute), d.Code)
}

func TestAnUnknownCodeMayBeResentAtOnce(t *testing.T) {
	t.Parallel()
	at := after(time.Second)
	o := prompted(PromptCaptcha).Intend(inputFor(InputCaptcha, coreStep), at, at.Add(coreTimeout), coreGrace)
	d := o.Settle(Faulted(FaultUnknown), at, DefaultLimits())
	require.NoError(t, d.After().Refuse(ResendCaptcha{Step: d.Step}, at, DefaultLimits()))
	require.NoError(t, d.After().Refuse(inputFor(InputCaptcha, d.Step), at, DefaultLimits()), "a new code is accepted too")
	require.Equal(t, after(5*time.Minute), d.Code, "the deadline stays")
}

func TestAnUnknownOutcomeKeepsTheTokenAliveUntilTheCallsDeadlineAtMost(t *testing.T) {
	t.Parallel()
	o := inFlight(PromptPassword) // at 2 min, deadline at 5 min
	d := o.Settle(Faulted(FaultUnknown), after(3*time.Minute), DefaultLimits())
	require.Equal(t, after(13*time.Minute), d.Idle)
	d = o.Settle(Faulted(FaultUnknown), after(9*time.Minute), DefaultLimits())
	require.Equal(t, after(15*time.Minute), d.Idle)
	d = o.Settle(Faulted(FaultNotSent), after(3*time.Minute), DefaultLimits())
	require.Equal(t, after(10*time.Minute), d.Idle, "a call that was not sent does not extend it")
}

func TestTheLastRejectionAndTheEndShareOneCommit(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule   string
		ask    PromptKind
		change func(*Snapshot)
		out    Outcome
		want   []Event
	}{
		{"the third wrong code", PromptCaptcha, tried(PromptCaptcha, 2), reply("10004"), []Event{CaptchaRejected, AttemptsExhausted}},
		{"the second wrong code", PromptCaptcha, tried(PromptCaptcha, 1), reply("10004"), []Event{CaptchaRejected}},
		{"the third wrong second code", PromptSecondCaptcha, tried(PromptSecondCaptcha, 2), reply("10004"), []Event{CaptchaRejected, AttemptsExhausted}},
		{"the third wrong code of one's own", PromptOwnSMS, tried(PromptOwnSMS, 2), reply("10018"), []Event{OwnSMSRequested, AttemptsExhausted}},
		{"the second wrong password", PromptPassword, tried(PromptPassword, 1), reply("10003"), []Event{PasswordRejected, AttemptsExhausted}},
		{"the first wrong password", PromptPassword, nil, reply("10003"), []Event{PasswordRejected}},
		{"the second password, found wrong with its code", PromptCaptcha, tried(PromptPassword, 2), reply("10003"), []Event{PasswordRejected, AttemptsExhausted}},
		{"the first password, found wrong with its code", PromptCaptcha, tried(PromptPassword, 1), reply("10003"), []Event{PasswordRejected}},
		{"the third wrong query password", PromptQueryPassword, tried(PromptQueryPassword, 2), reply("10023"), []Event{QueryPasswordRejected, AttemptsExhausted}},
		{"the third code expired", PromptCaptcha, tried(PromptCaptcha, 2), reply("10006"), []Event{CaptchaReissued, AttemptsExhausted}},
		{"the third form refused", PromptApplication, tried(PromptApplication, 2), Received(false, "", Source{}), []Event{ApplicationRejected, AttemptsExhausted}},
		{"the third form lost", PromptApplication, tried(PromptApplication, 2), Faulted(FaultUnknown), []Event{OutcomeUnknown, AttemptsExhausted}},
		{"the last code lost", PromptCaptcha, tried(PromptCaptcha, 2), Faulted(FaultUnknown), []Event{OutcomeUnknown, AttemptsExhausted}},
		{"the last code not understood", PromptCaptcha, tried(PromptCaptcha, 2), reply("10005"), []Event{ReplyUnrecognized, AttemptsExhausted}},
		{"the last code not sent", PromptCaptcha, tried(PromptCaptcha, 2), Faulted(FaultNotSent), []Event{UpstreamUnavailable}},
		{"the last code right", PromptCaptcha, tried(PromptCaptcha, 2), reply("10008"), []Event{CollectionStarted}},
		{"the last code right, a second one asked", PromptCaptcha, tried(PromptCaptcha, 2), reply("10001"), []Event{CaptchaRequested}},
		{"the last password right", PromptPassword, tried(PromptPassword, 1), reply("10002"), []Event{CaptchaRequested}},
		{"the last password, another source", PromptPassword, tried(PromptPassword, 1), nextSource(), []Event{SourceCollected, PasswordRequested}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			o := prompted(c.ask)
			if c.change != nil {
				c.change(&o)
			}
			o = submitted(o, answerOf[c.ask])
			d := o.Settle(c.out, after(3*time.Minute), DefaultLimits())
			require.Equal(t, c.want, eventsOf(d))
			checkSteps(t, o, d)
			if c.want[len(c.want)-1] == AttemptsExhausted {
				require.Equal(t, Failed, d.State)
				require.Equal(t, Detail{Input: answerOf[c.ask], Source: o.At.Website, Tables: d.Transitions()[1].Detail.Tables}, d.Transitions()[1].Detail, "it has nothing of the reply")
				checkEnd(t, d.After())
			} else if !d.State.Terminal() {
				require.Positive(t, d.After().Prompt(DefaultLimits()).AttemptsLeft)
			}
		})
	}
}

func TestAnotherSourceResetsTheAttempts(t *testing.T) {
	t.Parallel()
	o := inFlight(PromptCaptcha, tried(PromptPassword, 2), func(o *Snapshot) { o.Resends = 3 })
	d := o.Settle(nextSource(), after(3*time.Minute), DefaultLimits())
	require.Empty(t, d.Attempts)
	require.Zero(t, d.Resends)
	require.Zero(t, d.PasswordStep, "the password was for the other source")
	require.Equal(t, "chinatelecomjl", d.At.Website)
	require.Equal(t, Applied, d.Transitions()[0].To, "applied has its own row")
	require.Equal(t, ProcessCode("10008"), d.Transitions()[0].Detail.Code)
	require.Equal(t, AwaitingPassword, d.State, "applied is left in the same commit")

	nameless := Replied(Reply{Success: true, Code: "10008", Next: &Source{Name: "吉林电信"}})
	require.Equal(t, []Event{CollectionStarted}, eventsOf(o.Settle(nameless, after(3*time.Minute), DefaultLimits())), "a source without a website is ignored")
}

func TestAPasswordResetResetsTheAttemptsOfItsSource(t *testing.T) {
	t.Parallel()
	o := prompted(PromptResetCaptcha)
	o.Attempts = AttemptsOf(map[PromptKind]int{PromptPassword: 2, PromptResetCaptcha: 3})
	o.Intent = &Intent{Version: o.Version, Call: CallReset, Input: InputResetCaptcha, At: coreStart, Deadline: after(coreTimeout), Counted: []PromptKind{PromptResetCaptcha}}
	d := o.Settle(reply("11000"), after(time.Second), DefaultLimits())
	require.Equal(t, []Event{PasswordReset}, eventsOf(d))
	require.Equal(t, PromptPassword, d.Ask)
	require.Empty(t, d.Attempts)
	require.Equal(t, coreSource.Website, d.At.Website)
	for code, event := range map[string]Event{"10002": ResetCaptchaRequested, "10010": NewPasswordRejected, "11001": NewPasswordRejected} {
		o.Attempts = AttemptsOf(map[PromptKind]int{PromptResetCaptcha: 1})
		d = o.Settle(reply(code), after(time.Second), DefaultLimits())
		require.Equal(t, []Event{event}, eventsOf(d))
		require.Equal(t, PromptResetCaptcha, d.Ask)
		require.Empty(t, cmp.Diff(AttemptsOf(map[PromptKind]int{PromptResetCaptcha: 1}), d.Attempts))
	}
	for _, code := range []string{"31000", "30000"} {
		require.Equal(t, []Event{ResetFailed}, eventsOf(o.Settle(reply(code), after(time.Second), DefaultLimits())))
	}
}

func TestWhatAnApplicationLeadsTo(t *testing.T) {
	t.Parallel()
	offline := coreSource
	offline.Online = false
	now := after(3 * time.Minute)
	d := inFlight(PromptApplication).Settle(Received(true, fsmtest.Token, coreSource), now, DefaultLimits())
	require.Equal(t, []Event{ApplicationAccepted, PasswordRequested}, eventsOf(d))
	require.Equal(t, PromptPassword, d.Ask)
	require.Equal(t, fsmtest.Token, d.Token)
	require.Equal(t, coreSource, d.At)
	require.Equal(t, now.Add(10*time.Minute), d.Idle)
	require.Equal(t, d.Idle, d.Due)
	checkSteps(t, inFlight(PromptApplication), d)

	d = inFlight(PromptApplication).Settle(Received(true, fsmtest.Token, offline), now, DefaultLimits())
	require.Equal(t, []Event{SourceUnsupported}, eventsOf(d))
	checkEnd(t, d.After())

	d = inFlight(PromptApplication).Settle(Received(false, "", Source{}), now, DefaultLimits())
	require.Equal(t, []Event{ApplicationRejected}, eventsOf(d))
	require.Equal(t, PromptApplication, d.Ask)
	require.True(t, d.Idle.IsZero(), "there is no token yet")
	require.Equal(t, d.Life, d.Due)
}

func TestFiftyStepsAtMost(t *testing.T) {
	t.Parallel()
	const last = 47 // one reply makes up to two steps, and the end one more
	for step := 1; step <= last; step++ {
		for _, out := range []Outcome{reply("10006"), nextSource(), Faulted(FaultNotSent), reply("10008")} {
			o := inFlight(PromptCaptcha, func(o *Snapshot) { o.Step = step })
			d := o.Settle(out, after(3*time.Minute), DefaultLimits())
			require.LessOrEqual(t, d.Step, 50)
			require.True(t, d.State.Terminal() || d.Step <= last, "it ends before fifty could be exceeded")
		}
	}
	o := prompted(PromptCaptcha)
	o.Step = last
	d, due := o.Overdue(after(5*time.Minute), DefaultLimits())
	require.True(t, due)
	require.Equal(t, []Event{CaptchaExpired, AttemptsExhausted}, eventsOf(d))
}

func TestCancelEndsWhateverIsAsked(t *testing.T) {
	t.Parallel()
	for _, ask := range PromptKinds() {
		o := prompted(ask)
		d := o.Cancel(after(time.Minute), DefaultLimits())
		require.Equal(t, []Event{Canceled}, eventsOf(d))
		require.Equal(t, InputCancel, d.Transitions()[0].Detail.Input)
		checkSteps(t, o, d)
		checkEnd(t, d.After())
	}
}

func TestEraseLeavesATombstoneFromEveryState(t *testing.T) {
	t.Parallel()
	var all []Snapshot
	for _, ask := range PromptKinds() {
		all = append(all, prompted(ask))
	}
	for ask := range answerOf {
		all = append(all, inFlight(ask))
	}
	all = append(all, ended(Done, CollectionStarted), ended(Failed, Expired))
	for _, o := range all {
		d := o.Erase(after(time.Hour))
		require.NoError(t, d.Err())
		require.Equal(t, []Event{Erased}, eventsOf(d))
		checkSteps(t, o, d)
		checkEnd(t, d.After())
		want := Failed
		if o.State == Done {
			want = Done
		}
		require.Equal(t, want, d.State)
		r, err := Seal(sealer(t), d.After())
		require.NoError(t, err)
		plain, err := Seal(nil, d.After())
		require.NoError(t, err)
		require.JSONEq(t, "{}", string(plain.Body), "nothing is left")
		require.NotEqual(t, "{}", string(r.Body), "it is sealed: nobody else can make a tombstone")
		require.Empty(t, r.Source)
		require.Empty(t, r.Key)
		require.False(t, r.InFlight)
		v := d.After().View(DefaultLimits())
		require.Empty(t, v.Account)
		require.Nil(t, v.Consent)
		require.True(t, v.Token.Empty())
		e, err := SealEntry(sealer(t), d.Transitions()[0])
		require.NoError(t, err)
		require.NotContains(t, string(e.Detail), "138")
	}
}
