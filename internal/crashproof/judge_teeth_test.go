package crashproof_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// dawn is when the story of these tests begins; at is so many ms later.
var dawn = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return dawn.Add(time.Duration(ms) * time.Millisecond) }

// story is the evidence of a plain run: a form, a password whose outcome was
// not known until the reply came after all, a code.
func story() evidence {
	row := func(step int, ms int, from carrierfsm.State, event carrierfsm.Event, to carrierfsm.State, d carrierfsm.Detail) carrierfsm.Transition {
		return carrierfsm.Transition{ID: "v", Step: step, From: from, Event: event, To: to, At: at(ms), Detail: d}
	}
	submitted := func(step int, input carrierfsm.InputKind, nonce string, from, until int, t told) note {
		return note{ask: ask{Op: opSubmit, ID: "v", Step: step, Input: string(input)}, nonce: nonce, call: at(from), ret: at(until), told: t}
	}
	const (
		created, applied, password, captcha, done = carrierfsm.Created, carrierfsm.Applied, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha, carrierfsm.Done
	)
	return evidence{
		id:     "v",
		record: carrierfsm.Record{ID: "v", State: done, Step: 5},
		history: []carrierfsm.Transition{
			row(1, 100, created, carrierfsm.ApplicationAccepted, applied, carrierfsm.Detail{Input: carrierfsm.InputApply}),
			row(2, 100, applied, carrierfsm.PasswordRequested, password, carrierfsm.Detail{}),
			row(3, 700, password, carrierfsm.OutcomeUnknown, password, carrierfsm.Detail{Input: carrierfsm.InputPassword, Fault: carrierfsm.FaultUnknown}),
			row(4, 800, password, carrierfsm.CaptchaRequested, captcha, carrierfsm.Detail{Input: carrierfsm.InputPassword, Late: true}),
			row(5, 1000, captcha, carrierfsm.CollectionStarted, done, carrierfsm.Detail{Input: carrierfsm.InputCaptcha}),
		},
		notes: []note{
			{ask: ask{Op: opCreate, ID: "v"}, call: at(0), ret: at(10), told: told{View: &view{State: created}}},
			submitted(0, carrierfsm.InputApply, "1", 50, 110, told{View: &view{Step: 2, State: password, Reason: carrierfsm.PasswordRequested, Deadline: at(5000)}}),
			submitted(2, carrierfsm.InputPassword, "2", 200, 400, told{Word: wordLost}),
			submitted(2, carrierfsm.InputPassword, "2", 410, 430, told{Word: "in flight", View: &view{Step: 2, State: password, Reason: carrierfsm.PasswordRequested, InFlight: true}}),
			submitted(4, carrierfsm.InputCaptcha, "3", 900, 1010, told{View: &view{Step: 5, State: done, Reason: carrierfsm.CollectionStarted}}),
			submitted(4, carrierfsm.InputCaptcha, "4", 1020, 1030, told{Word: "not awaited", View: &view{Step: 5, State: done, Reason: carrierfsm.CollectionStarted}}),
		},
		arrivals: []arrival{
			{at: at(60), kind: "apply", step: 0, nonce: "1", secret: "nowhere"},
			{at: at(210), kind: "password", step: 2, nonce: "2", secret: rightPassword},
			{at: at(910), kind: "captcha", step: 4, nonce: "3", secret: "123456"},
		},
		deliveries: []int{1, 2, 1, 2, 3, 4, 3, 5},
	}
}

// inquire is all that is held against one verification.
func inquire(t *testing.T, e evidence) (kinds []string) {
	t.Helper()
	for _, v := range append(judgeOne(e), linearize(e, t.TempDir())...) {
		kinds = append(kinds, v.kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func TestTheJudgeAcceptsWhatIsRight(t *testing.T) {
	t.Parallel()
	require.Empty(t, inquire(t, story()))
}

// Each way to be wrong is found, and called by its name.
func TestTheJudgeFindsEachWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind string
		harm func(*evidence)
	}{
		"an acknowledged step is gone": {lostAck, func(e *evidence) {
			e.history, e.record.Step, e.record.State = e.history[:4], 4, carrierfsm.AwaitingCaptcha
		}},
		"an acknowledged verification is gone": {lostAck, func(e *evidence) { e.record, e.history, e.arrivals = carrierfsm.Record{}, nil, nil }},
		"another event than was shown":         {lostAck, func(e *evidence) { e.history[4].Event = carrierfsm.VerificationRejected }},
		"a step is missing":                    {gap, func(e *evidence) { e.history = slices.Delete(e.history, 2, 3) }},
		"a chain is broken":                    {gap, func(e *evidence) { e.history[3].From = carrierfsm.Created }},
		"a record without its history":         {gap, func(e *evidence) { e.record.Step = 6 }},
		"an old step shown later": {notLinear, func(e *evidence) {
			late := e.notes[1]
			late.ask.Op, late.call, late.ret = opGet, at(1100), at(1110)
			e.notes = append(e.notes, late)
		}},
		"in flight when nothing was":  {notLinear, func(e *evidence) { e.notes[3].call, e.notes[3].ret = at(120), at(130); e.notes[2].call = at(150) }},
		"shown before it was decided": {notLinear, func(e *evidence) { e.notes[4].call, e.notes[4].ret = at(850), at(860) }},
		"one prompt, two requests": {repeated, func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at: at(920), kind: "captcha", step: 4, nonce: "4", secret: wrongSecret})
		}},
		"one code, two prompts": {repeated, func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at: at(920), kind: "captcha", step: 3, nonce: "9", secret: "123456"})
		}},
		"one code, a login and a reset": {repeated, func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at: at(920), kind: "reset_captcha", step: 3, nonce: "9", secret: "123456"})
		}},
		"a request without an intent": {unexplained, func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at: at(1200), kind: "captcha", step: 5, nonce: "9", secret: wrongSecret})
		}},
		"another code without an intent": {unexplained, func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at: at(1200), kind: "resend_captcha", step: -1})
		}},
		"refused and sent":           {refusedSent, func(e *evidence) { e.arrivals[2].nonce = "4" }},
		"two answers taken":          {doubleTaken, func(e *evidence) { e.notes[5].told.Word = wordOK }},
		"sent after it was given up": {judged, func(e *evidence) { e.arrivals[1].at = at(790) }},
		"sent and called not sent": {misjudged, func(e *evidence) {
			e.history[2].Event, e.history[2].Detail.Fault = carrierfsm.UpstreamUnavailable, carrierfsm.FaultNotSent
		}},
		"an outcome of nothing": {replyless, func(e *evidence) { e.notes[2].ask.Step = 1; e.notes[3].ask.Step = 1 }},
		"a reply to nothing":    {replyless, func(e *evidence) { e.arrivals = e.arrivals[:2] }},
		"a timer too early": {early, func(e *evidence) {
			e.history[2].Event, e.history[2].Detail = carrierfsm.CaptchaExpired, carrierfsm.Detail{}
		}},
		"no end": {stuck, func(e *evidence) {
			e.record.State, e.history[4].To = carrierfsm.AwaitingCaptcha, carrierfsm.AwaitingCaptcha
		}},
		"a step not handled":              {missed, func(e *evidence) { e.deliveries = e.deliveries[:7] }},
		"a step handled late":             {disordered, func(e *evidence) { e.deliveries = []int{1, 3, 2, 4, 5} }},
		"a header":                        {askedToRetry, func(e *evidence) { e.arrivals[0].header = true }},
		"a secret beside what needs none": {repeated, func(e *evidence) { e.arrivals[0].beside = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := story()
			c.harm(&e)
			require.Contains(t, inquire(t, e), c.kind)
		})
	}
}
