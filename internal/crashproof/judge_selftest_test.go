package crashproof_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// start is the time of the sample's beginning; at is so many ms later.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// sampleTrace is a trace without a violation: a form, a password whose outcome was
// unknown until its late reply, a code.
func sampleTrace() trace {
	row := func(step int, ms int, from carrierfsm.State, event carrierfsm.Event, to carrierfsm.State, d carrierfsm.Detail) carrierfsm.Transition {
		return carrierfsm.Transition{ID: "v", Step: step, From: from, Event: event, To: to, At: at(ms), Detail: d}
	}
	submitted := func(step int, input carrierfsm.InputKind, nonce string, from, until int, t response) exchange {
		return exchange{request: request{Op: opSubmit, ID: "v", Step: step, Input: string(input)}, nonce: nonce, call: at(from), ret: at(until), response: t}
	}
	const (
		created, applied, password, captcha, done = carrierfsm.Created, carrierfsm.Applied, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha, carrierfsm.Done
	)
	e := trace{
		id:     "v",
		record: carrierfsm.Record{ID: "v", State: done, Step: 5},
		history: []carrierfsm.Transition{
			row(1, 100, created, carrierfsm.ApplicationAccepted, applied, carrierfsm.Detail{Input: carrierfsm.InputApply}),
			row(2, 100, applied, carrierfsm.PasswordRequested, password, carrierfsm.Detail{}),
			row(3, 700, password, carrierfsm.OutcomeUnknown, password, carrierfsm.Detail{Input: carrierfsm.InputPassword, Fault: carrierfsm.FaultUnknown}),
			row(4, 800, password, carrierfsm.CaptchaRequested, captcha, carrierfsm.Detail{Input: carrierfsm.InputPassword, Late: true}),
			row(5, 1000, captcha, carrierfsm.CollectionStarted, done, carrierfsm.Detail{Input: carrierfsm.InputCaptcha}),
		},
		exchanges: []exchange{
			{request: request{Op: opCreate, ID: "v"}, call: at(0), ret: at(10), response: response{View: &view{State: created}}},
			submitted(0, carrierfsm.InputApply, "1", 50, 110, response{View: &view{Step: 2, State: password, Reason: carrierfsm.PasswordRequested, Deadline: at(5000)}}),
			submitted(2, carrierfsm.InputPassword, "2", 200, 400, response{Result: resultLost}),
			submitted(2, carrierfsm.InputPassword, "2", 410, 430, response{Result: "in flight", View: &view{Step: 2, State: password, Reason: carrierfsm.PasswordRequested, InFlight: true}}),
			submitted(4, carrierfsm.InputCaptcha, "3", 900, 1010, response{View: &view{Step: 5, State: done, Reason: carrierfsm.CollectionStarted}}),
			submitted(4, carrierfsm.InputCaptcha, "4", 1020, 1030, response{Result: "not awaited", View: &view{Step: 5, State: done, Reason: carrierfsm.CollectionStarted}}),
		},
		arrivals: []arrival{
			{at: at(60), kind: "apply", step: 0, nonce: "1", secret: "nowhere"},
			{at: at(210), kind: "password", step: 2, nonce: "2", secret: rightPassword},
			{at: at(910), kind: "captcha", step: 4, nonce: "3", secret: "123456"},
		},
	}
	e.deliveries = e.delivered(1, 2, 1, 2, 3, 4, 3, 5)
	return e
}

// delivered returns deliveries of steps of the history.
func (e trace) delivered(steps ...int) (list []delivery) {
	for _, step := range steps {
		list = append(list, delivery{step, e.history[step-1].At.UnixMicro()})
	}
	return list
}

// violationsOf returns the kinds of violation in a trace.
func violationsOf(t *testing.T, e trace) (kinds []string) {
	t.Helper()
	for _, v := range append(judgeOne(e), linearize(e, t.TempDir())...) {
		kinds = append(kinds, v.kind)
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func TestTheJudgeAcceptsATraceWithoutViolation(t *testing.T) {
	t.Parallel()
	require.Empty(t, violationsOf(t, sampleTrace()))
}

// The judge finds each kind of violation.
func TestTheJudgeFindsEachViolation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind string
		harm func(*trace)
	}{
		"an acknowledged step is lost": {lostAck, func(e *trace) {
			e.history, e.record.Step, e.record.State = e.history[:4], 4, carrierfsm.AwaitingCaptcha
		}},
		"an acknowledged verification is lost": {lostAck, func(e *trace) { e.record, e.history, e.arrivals = carrierfsm.Record{}, nil, nil }},
		"another event than was shown":         {lostAck, func(e *trace) { e.history[4].Event = carrierfsm.VerificationRejected }},
		"a step is missing":                    {gap, func(e *trace) { e.history = slices.Delete(e.history, 2, 3) }},
		"a chain is broken":                    {gap, func(e *trace) { e.history[3].From = carrierfsm.Created }},
		"a record without its history":         {gap, func(e *trace) { e.record.Step = 6 }},
		"an old step shown later": {notLinear, func(e *trace) {
			late := e.exchanges[1]
			late.request.Op, late.call, late.ret = opGet, at(1100), at(1110)
			e.exchanges = append(e.exchanges, late)
		}},
		"in flight without a call": {notLinear, func(e *trace) {
			e.exchanges[3].call, e.exchanges[3].ret = at(120), at(130)
			e.exchanges[2].call = at(150)
		}},
		"shown before it was decided": {notLinear, func(e *trace) { e.exchanges[4].call, e.exchanges[4].ret = at(850), at(860) }},
		"one prompt, two requests": {repeated, func(e *trace) {
			e.arrivals = append(e.arrivals, arrival{at: at(920), kind: "captcha", step: 4, nonce: "4", secret: wrongSecret})
		}},
		"one code, two prompts": {repeated, func(e *trace) {
			e.arrivals = append(e.arrivals, arrival{at: at(920), kind: "captcha", step: 3, nonce: "9", secret: "123456"})
		}},
		"one code, a login and a reset": {repeated, func(e *trace) {
			e.arrivals = append(e.arrivals, arrival{at: at(920), kind: "reset_captcha", step: 3, nonce: "9", secret: "123456"})
		}},
		"a request without an intent": {unexplained, func(e *trace) {
			e.arrivals = append(e.arrivals, arrival{at: at(1200), kind: "captcha", step: 5, nonce: "9", secret: wrongSecret})
		}},
		"another code without an intent": {unexplained, func(e *trace) {
			e.arrivals = append(e.arrivals, arrival{at: at(1200), kind: "resend_captcha", step: -1})
		}},
		"refused and sent":           {refusedSent, func(e *trace) { e.arrivals[2].nonce = "4" }},
		"two answers accepted":       {doubleTaken, func(e *trace) { e.exchanges[5].response.Result = resultOK }},
		"sent after it was given up": {judged, func(e *trace) { e.arrivals[1].at = at(790) }},
		"sent and called not sent": {misjudged, func(e *trace) {
			e.history[2].Event, e.history[2].Detail.Fault = carrierfsm.UpstreamUnavailable, carrierfsm.FaultNotSent
		}},
		"an outcome without a submission": {replyless, func(e *trace) { e.exchanges[2].request.Step = 1; e.exchanges[3].request.Step = 1 }},
		"a reply without a request":       {replyless, func(e *trace) { e.arrivals = e.arrivals[:2] }},
		"a timer too early": {early, func(e *trace) {
			e.history[2].Event, e.history[2].Detail = carrierfsm.CaptchaExpired, carrierfsm.Detail{}
		}},
		"no end": {stuck, func(e *trace) {
			e.record.State, e.history[4].To = carrierfsm.AwaitingCaptcha, carrierfsm.AwaitingCaptcha
		}},
		"a step not handled":      {missed, func(e *trace) { e.deliveries = e.deliveries[:7] }},
		"a step handled late":     {disordered, func(e *trace) { e.deliveries = e.delivered(1, 3, 2, 4, 5) }},
		"a step handled and lost": {phantom, func(e *trace) { e.deliveries[7].at++ }},
		"a header":                {askedToRetry, func(e *trace) { e.arrivals[0].header = true }},
		"a secret that does not belong to its request": {repeated, func(e *trace) { e.arrivals[0].foreignSecret = true }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := sampleTrace()
			c.harm(&e)
			require.Contains(t, violationsOf(t, e), c.kind)
		})
	}
}

// A gap begins with the outage and ends with a response, or with the round.
func TestTheLongestGapIsFound(t *testing.T) {
	t.Parallel()
	r := newRecorder()
	for _, ms := range []int{100, 900, 1000, 4000, 4100} {
		r.write(exchange{request: request{Op: opSubmit}, call: at(ms - 50), ret: at(ms), response: response{Result: resultOK}})
	}
	r.write(exchange{request: request{Op: opGet}, call: at(1950), ret: at(2000), response: response{Result: resultOK}})
	r.write(exchange{request: request{Op: opSubmit}, call: at(1950), ret: at(2000), response: response{Result: resultStore}})
	for _, c := range []struct{ from, until, want int }{
		{950, 5000, 3000}, {1500, 5000, 2500}, {4050, 5000, 900}, {4200, 5000, 800}, {50, 950, 800},
	} {
		require.Equal(t, time.Duration(c.want)*time.Millisecond, r.longestGap(at(c.from), at(c.until)), "%v", c)
	}
	require.True(t, r.wroteSince(at(4000)))
	require.False(t, r.wroteSince(at(4050)))
}
