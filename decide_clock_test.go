package carrierfsm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

func TestATerminalReplyWinsThenCancelThenLife(t *testing.T) {
	t.Parallel()
	intime, late := after(3*time.Minute), after(31*time.Minute)
	cases := []struct {
		rule     string
		out      Outcome
		canceled bool
		now      time.Time
		want     []Event
	}{
		{"success, canceled and overdue", reply("10008"), true, late, []Event{CollectionStarted}},
		{"refused, canceled and overdue", reply("10009"), true, late, []Event{VerificationRejected}},
		{"success and overdue", reply("10008"), false, late, []Event{CollectionStarted}},
		{"asked again, canceled and overdue", reply("10002"), true, late, []Event{CaptchaRequested, Canceled}},
		{"asked again and canceled", reply("10004"), true, intime, []Event{CaptchaRejected, Canceled}},
		{"asked again and overdue", reply("10004"), false, late, []Event{CaptchaRejected, Expired}},
		{"lost and canceled", Faulted(FaultUnknown), true, intime, []Event{OutcomeUnknown, Canceled}},
		{"lost and overdue", Faulted(FaultUnknown), false, late, []Event{OutcomeUnknown, Expired}},
		{"not sent and canceled", Faulted(FaultNotSent), true, intime, []Event{UpstreamUnavailable, Canceled}},
		{"another source and canceled", nextSource(), true, intime, []Event{SourceCollected, PasswordRequested, Canceled}},
		{"a moment before the end of life", reply("10002"), false, after(30*time.Minute - 1), []Event{CaptchaRequested}},
		{"at the end of life", reply("10002"), false, after(30 * time.Minute), []Event{CaptchaRequested, Expired}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			o := inFlight(PromptCaptcha)
			if c.canceled {
				flagged := o.FlagCancel(after(150 * time.Second))
				require.False(t, o.Intent.Canceled, "the value before is unchanged")
				require.Equal(t, o.Version+1, flagged.Version)
				require.Equal(t, o.Step, flagged.Step, "a flag is not a step")
				require.Equal(t, o.Due, flagged.Due)
				require.Equal(t, o.Intent.Version, flagged.Intent.Version, "the intent keeps its version")
				require.True(t, flagged.View(DefaultLimits()).Canceling)
				o = flagged
			}
			d := o.Settle(c.out, c.now, DefaultLimits())
			require.Equal(t, c.want, eventsOf(d))
			checkSteps(t, o, d)
			if d.State.Terminal() {
				checkEnd(t, d.After())
			}
		})
	}
}

func TestWhatIsDueAtWhichTime(t *testing.T) {
	t.Parallel()
	cases := []struct {
		rule   string
		ask    PromptKind
		change func(*Snapshot)
		at     time.Duration
		want   []Event
	}{
		{"a code before its deadline", PromptCaptcha, nil, 5*time.Minute - 1, nil},
		{"a code at its deadline", PromptCaptcha, nil, 5 * time.Minute, []Event{CaptchaExpired}},
		{"a second code", PromptSecondCaptcha, nil, 5 * time.Minute, []Event{CaptchaExpired}},
		{"a code that the person texts for", PromptOwnSMS, nil, 6 * time.Minute, []Event{CaptchaExpired}},
		{"a reset code", PromptResetCaptcha, nil, 5 * time.Minute, []Event{CaptchaExpired}},
		{"a code, settled after the token expired", PromptCaptcha, nil, 10 * time.Minute, []Event{Expired}},
		{"a code, settled after the whole life", PromptCaptcha, nil, 31 * time.Minute, []Event{Expired}},
		{"a password before its deadline", PromptPassword, nil, 10*time.Minute - 1, nil},
		{"a password at its deadline", PromptPassword, nil, 10 * time.Minute, []Event{Expired}},
		{"a query password", PromptQueryPassword, nil, 10 * time.Minute, []Event{Expired}},
		{"a form before the end of life", PromptApplication, nil, 30*time.Minute - 1, nil},
		{"a form at the end of life", PromptApplication, nil, 30 * time.Minute, []Event{Expired}},
		{"a password at the end of life", PromptPassword, func(o *Snapshot) { o.Life, o.Due = after(time.Minute), after(time.Minute) }, time.Minute, []Event{Expired}},
		{"a code whose deadline is that of the token", PromptCaptcha, func(o *Snapshot) { o.Idle = o.Code }, 5 * time.Minute, []Event{Expired}},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			o := prompted(c.ask)
			if c.change != nil {
				c.change(&o)
			}
			d, due := o.Overdue(after(c.at), DefaultLimits())
			require.Equal(t, c.want != nil, due)
			if !due {
				return
			}
			require.Equal(t, c.want, eventsOf(d))
			checkSteps(t, o, d)
			require.Empty(t, d.Transitions()[0].Detail.Input, "a timer has no input")
			if d.State.Terminal() {
				checkEnd(t, d.After())
				return
			}
			require.Equal(t, c.ask, d.Ask)
			require.Equal(t, after(c.at+5*time.Minute).UnixMicro(), d.Code.UnixMicro(), "prompted again, for the same time")
			require.Empty(t, d.Attempts, "an expired code is no attempt")
			require.Equal(t, o.Idle, d.Idle, "a timer does not extend the token")
			if r := d.After().Prompt(DefaultLimits()).Resend; r != nil {
				require.Equal(t, after(c.at), r.At, "another code at once")
			}
		})
	}
}

func TestTimersWaitWhileAnAnswerIsUnderWay(t *testing.T) {
	t.Parallel()
	for ask, kind := range answerOf {
		o := prompted(ask)
		at := o.Due.Add(-time.Second)
		o = o.Intend(inputFor(kind, o.Step), at, at.Add(coreTimeout), coreGrace)
		_, due := o.Overdue(at.Add(coreTimeout+coreGrace-1), DefaultLimits())
		require.False(t, due, ask)
		d, due := o.Overdue(at.Add(coreTimeout+coreGrace), DefaultLimits())
		require.True(t, due, "past deadline and grace any replica gives it up")
		require.Equal(t, OutcomeUnknown, eventsOf(d)[0])
		require.Nil(t, d.Intent)
		require.Equal(t, 1, o.Attempts.Of(ask))
		if !d.State.Terminal() {
			require.Equal(t, o.Intent, d.Lost, "a late reply is still accepted")
			require.False(t, d.Due.Before(at.Add(coreTimeout+coreGrace)), "the new prompt is not yet due")
		}
	}
}

func TestALateAnswerCountsUntilSomethingNewerHappens(t *testing.T) {
	t.Parallel()
	o := inFlight(PromptCaptcha)
	in := o.Intent
	newer, older, remade := *in, *in, *in
	newer.Version++
	older.Version--
	remade.At = remade.At.Add(time.Microsecond)
	require.True(t, o.AwaitsOutcome(in, reply("10008")))
	require.True(t, o.AwaitsOutcome(in, Faulted(FaultUnknown)))
	require.False(t, o.AwaitsOutcome(&newer, reply("10008")), "the version is of another intent")
	require.False(t, o.AwaitsOutcome(&remade, reply("10008")), "the record is another one")
	d, due := o.Overdue(o.Due, DefaultLimits())
	require.True(t, due)
	lost := d.After()
	require.True(t, lost.AwaitsOutcome(in, reply("10008")))
	require.False(t, lost.AwaitsOutcome(in, Faulted(FaultUnknown)), "it is unknown already")
	require.False(t, lost.AwaitsOutcome(in, Faulted(FaultNotSent)))
	require.False(t, lost.AwaitsOutcome(&older, reply("10008")))
	require.False(t, lost.AwaitsOutcome(&remade, reply("10008")))

	late := lost.Settle(reply("10001"), o.Due.Add(time.Second), DefaultLimits())
	require.Equal(t, []Event{CaptchaRequested}, eventsOf(late))
	require.True(t, late.Transitions()[0].Detail.Late)
	require.Equal(t, PromptSecondCaptcha, late.Ask)
	require.Equal(t, 1, late.Attempts.Of(PromptCaptcha), "the attempt is counted once")
	require.Nil(t, late.Lost)
	checkSteps(t, lost, late)

	for what, newer := range map[string]Snapshot{
		"another answer": submitted(lost, InputCaptcha),
		"a resend":       submitted(lost, InputResendCaptcha),
		"the end":        lost.Cancel(o.Due, DefaultLimits()).After(),
		"erasure":        lost.Erase(o.Due).After(),
	} {
		require.False(t, newer.AwaitsOutcome(in, reply("10008")), what)
	}
	canceled, _ := o.FlagCancel(after(3*time.Minute)).Overdue(o.Due, DefaultLimits())
	require.False(t, canceled.After().AwaitsOutcome(in, reply("10008")), "a cancellation is final")
}
