package carrierfsm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The values on which the pure core is tested: a verification, an input or the
// outcome of a call, and a time.

const (
	coreStep    = 10
	coreVersion = 20
	coreGrace   = 15 * time.Second
	coreTimeout = 3 * time.Minute
)

// coreStart is the time of the prompt of every verification here.
var coreStart = time.Unix(1_900_000_000, 0).UTC()

func after(d time.Duration) time.Time { return coreStart.Add(d) }

// coreSource is a source that has no password reset.
var coreSource = Source{Website: "chinamobilejs", Name: "江苏移动", Online: true}

// stateOf is the state of each kind of prompt.
var stateOf = map[PromptKind]State{
	PromptApplication: Created, PromptPassword: AwaitingPassword, PromptQueryPassword: AwaitingPassword,
	PromptCaptcha: AwaitingCaptcha, PromptSecondCaptcha: AwaitingCaptcha, PromptOwnSMS: AwaitingCaptcha,
	PromptResetCaptcha: AwaitingCaptcha,
}

// prompted is a verification with this prompt since coreStart.
func prompted(ask PromptKind) Snapshot {
	var o Snapshot
	o.Record = Record{
		ID: "v1", State: stateOf[ask], Step: coreStep, Version: coreVersion, Reason: PasswordRequested, Key: "hash",
		Created: coreStart, Updated: coreStart,
	}
	o.Ask, o.Life = ask, after(30*time.Minute)
	o.Message = "输入动态密码"
	if ask == PromptApplication {
		o.Step, o.Version, o.Reason = 0, 1, ""
		o.Due = o.Life
		return o
	}
	o.Account, o.Token, o.At, o.Idle = "13800138000", fsmtest.Token, coreSource, after(10*time.Minute)
	o.Consent = &Consent{Policy: "test-1", At: coreStart, Channel: "test"}
	o.Due = o.Idle
	if stateOf[ask] == AwaitingCaptcha {
		o.Code, o.ResendAt = after(5*time.Minute), after(time.Minute)
		o.Due = o.Code
	}
	return o
}

// ended is a verification that has ended.
func ended(s State, reason Event) Snapshot {
	o := prompted(PromptCaptcha)
	o.State, o.Reason, o.Key, o.Ask, o.Attempts = s, reason, "", "", nil
	o.Due, o.Code, o.ResendAt, o.Idle, o.Life = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return o
}

// inputFor is an input of this kind for this step.
func inputFor(kind InputKind, step int) Input {
	secret := NewSecret("246810")
	switch kind {
	case InputApply:
		return application(step)
	case InputPassword:
		return Password{Step: step, Password: secret}
	case InputQueryPassword:
		return QueryPassword{Step: step, Password: secret}
	case InputCaptcha:
		return Captcha{Step: step, Code: secret}
	case InputResendCaptcha:
		return ResendCaptcha{Step: step}
	case InputRequestReset:
		return RequestReset{Step: step}
	case InputResetCaptcha:
		return ResetCaptcha{Step: step, Code: secret}
	case InputSkipSource:
		return SkipSource{Step: step}
	default:
		return Cancel{}
	}
}

// answerOf is the kind of input that answers each kind of prompt.
var answerOf = map[PromptKind]InputKind{
	PromptApplication: InputApply, PromptPassword: InputPassword, PromptQueryPassword: InputQueryPassword,
	PromptCaptcha: InputCaptcha, PromptSecondCaptcha: InputCaptcha, PromptOwnSMS: InputCaptcha,
	PromptResetCaptcha: InputResetCaptcha,
}

// inFlight is a verification whose prompt was answered two minutes after coreStart.
// The call is in flight.
func inFlight(ask PromptKind, change ...func(*Snapshot)) Snapshot {
	o := prompted(ask)
	for _, f := range change {
		f(&o)
	}
	return submitted(o, answerOf[ask])
}

func submitted(o Snapshot, kind InputKind) Snapshot {
	at := after(2 * time.Minute)
	return o.Intend(inputFor(kind, o.Step), at, at.Add(coreTimeout), coreGrace)
}

func tried(kind PromptKind, n int) func(*Snapshot) {
	return func(o *Snapshot) {
		o.Attempts = o.Attempts.Put(kind, n)
	}
}

// reply is the outcome of a call whose reply has this code and nothing else.
func reply(code string) Outcome { return Replied(Reply{Success: true, Code: ProcessCode(code)}) }

// eventsOf are the events of a decision.
func eventsOf(d Decision) (events []Event) {
	for _, t := range d.Transitions() {
		events = append(events, t.Event)
	}
	return events
}

// checkSteps checks that a decision is one version, and its steps have no gap.
func checkSteps(t *testing.T, before Snapshot, d Decision) {
	t.Helper()
	require.Equal(t, before.Version+1, d.Version)
	require.Equal(t, before.Step+len(d.Transitions()), d.Step)
	state := before.State
	for i, tr := range d.Transitions() {
		require.Equal(t, before.Step+i+1, tr.Step)
		require.Equal(t, state, tr.From)
		state = tr.To
	}
	require.Equal(t, state, d.State)
	require.Nil(t, d.Intent)
}

// checkEnd checks that an ended verification keeps only what the host may read.
func checkEnd(t *testing.T, o Snapshot) {
	t.Helper()
	require.Empty(t, o.Key, "the key is free for another verification")
	require.Empty(t, o.Ask)
	require.Nil(t, o.Intent)
	require.Nil(t, o.Lost)
	require.Empty(t, o.Attempts)
	for _, at := range []time.Time{o.Due, o.Code, o.ResendAt, o.Idle, o.Life} {
		require.True(t, at.IsZero(), "nothing is due")
	}
	require.Nil(t, o.View(DefaultLimits()).Prompt)
}

func nextSource() Outcome {
	return Replied(Reply{Success: true, Code: "10008", Next: &Source{Website: "chinatelecomjl", Online: true}})
}
