package carrierfsm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	. "github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// Any sequence of inputs, replies, timers and erasures keeps the invariants of a
// verification.
func TestAnySequenceOfWhatCanHappenKeepsTheInvariants(t *testing.T) {
	t.Parallel()
	s := sealer(t)
	rapid.Check(t, func(t *rapid.T) {
		r := &randomRun{T: t, o: prompted(PromptApplication), now: coreStart, limits: DefaultLimits(), sealer: s}
		r.limits.Captchas = rapid.IntRange(1, 20).Draw(t, "captchas")
		r.limits.Passwords = rapid.IntRange(1, 20).Draw(t, "passwords")
		r.limits.Resends = rapid.IntRange(1, 20).Draw(t, "resends")
		r.limits.Life = 24 * time.Hour
		r.o.Life = coreStart.Add(r.limits.Life)
		r.o.Due = r.o.Life
		t.Repeat(map[string]func(*rapid.T){
			"submit": r.submit, "answer awaited": r.answerAwaited, "upstream": r.upstream,
			"time passes": r.pass, "sweep": r.sweep, "expire": r.expire, "erase": r.erase,
		})
		r.T = t
		r.endsByItself()
	})
}

// randomRun is one verification and its clock.
type randomRun struct {
	*rapid.T
	o      Snapshot
	now    time.Time
	limits Limits
	sealer Sealer
}

// submit submits any input, for any prompt.
func (r *randomRun) submit(t *rapid.T) {
	r.T = t
	kind := rapid.SampledFrom(inputKinds).Draw(t, "kind")
	if kind == InputCancel && rapid.IntRange(0, 5).Draw(t, "rarely") > 0 {
		t.Skip("otherwise every run would end by it")
	}
	r.hand(inputFor(kind, r.o.Step+rapid.SampledFrom([]int{0, 0, -1, 1}).Draw(t, "shift")))
}

// answerAwaited submits what is awaited, so that runs make progress.
func (r *randomRun) answerAwaited(t *rapid.T) {
	r.T = t
	if kind, ok := answerOf[r.o.Ask]; ok {
		in := inputFor(kind, r.o.Step)
		if c, ok := in.(Captcha); ok && rapid.Bool().Draw(t, "with password") {
			c.Password = NewSecret("135790")
			in = c
		}
		r.hand(in)
	}
}

func (r *randomRun) hand(in Input) {
	err := r.o.Refuse(in, r.now, r.limits)
	switch {
	case err != nil:
	case in.Kind() != InputCancel:
		r.take(r.o.Intend(in, r.now, r.now.Add(coreTimeout), coreGrace), nil)
	case r.o.Intent == nil:
		r.decide(r.o.Cancel(r.now, r.limits))
	case !r.o.Intent.Canceled:
		r.take(r.o.FlagCancel(r.now), nil)
	}
}

// upstream answers the call in flight, or one that was given up.
func (r *randomRun) upstream(t *rapid.T) {
	r.T = t
	in := r.o.Intent
	if in == nil {
		in = r.o.Lost
	}
	if in == nil {
		return
	}
	out := r.outcome(in.Call)
	if r.o.AwaitsOutcome(in, out) {
		r.decide(r.o.Settle(out, r.now, r.limits))
	}
}

func (r *randomRun) outcome(call Call) Outcome {
	word := func(words []string, label string) string { return rapid.SampledFrom(words).Draw(r.T, label) }
	source := Source{Website: word([]string{"chinamobilejs", "chinaunicom", ""}, "website"), Online: rapid.IntRange(0, 9).Draw(r.T, "online") > 0, ResetMethod: ResetMethod(rapid.IntRange(0, 2).Draw(r.T, "reset"))}
	switch rapid.IntRange(0, 9).Draw(r.T, "fault") {
	case 0:
		return Faulted(FaultUnknown)
	case 1:
		return Faulted(FaultNotSent)
	}
	if call == CallApply {
		source.Website = "chinamobilejs"
		return Received(rapid.IntRange(0, 4).Draw(r.T, "accepted") > 0, fsmtest.Token, source)
	}
	reply := Reply{
		Success:  rapid.IntRange(0, 19).Draw(r.T, "success") > 0,
		Code:     ProcessCode(word(append([]string{"", "10005", "100017"}, replyCodes[:18]...), "code")),
		Template: word([]string{"", "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD", "MOON"}, "tpl"),
		Type:     word([]string{"", "CONTROL", "ERROR", "RUNNING", "TIP", "MOON"}, "type"),
		Finish:   rapid.Bool().Draw(r.T, "finish"), AlreadyCollected: rapid.IntRange(0, 19).Draw(r.T, "already") == 0,
	}
	if rapid.Bool().Draw(r.T, "next") {
		reply.Next = &source
	}
	return Replied(reply)
}

func (r *randomRun) pass(t *rapid.T) {
	r.now = r.now.Add(rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, time.Minute, 3 * time.Minute, 6 * time.Minute, time.Hour}).Draw(t, "time"))
}

func (r *randomRun) sweep(t *rapid.T) {
	r.T = t
	if d, due := r.o.Overdue(r.now, r.limits); due {
		r.decide(d)
	}
}

func (r *randomRun) expire(t *rapid.T) {
	r.T = t
	if !r.o.State.Terminal() && r.o.Intent == nil && rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
		r.decide(r.o.Expire(r.now, r.limits))
	}
}

func (r *randomRun) erase(t *rapid.T) {
	r.T = t
	if r.o.Reason != Erased && rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
		r.decide(r.o.Erase(r.now))
	}
}

func (r *randomRun) decide(d Decision) {
	require.NoError(r, d.Err())
	r.take(d.After(), d.Transitions())
}

// take checks one commit.
func (r *randomRun) take(next Snapshot, transitions []Transition) {
	before := r.o
	require.Equal(r, before.Version+1, next.Version, "a commit is one version")
	require.Equal(r, before.Step+len(transitions), next.Step, "the steps have no gap")
	state := before.State
	for i, tr := range transitions {
		require.Equal(r, before.Step+1+i, tr.Step)
		require.Equal(r, state, tr.From)
		require.Contains(r, Edges(), Edge{From: tr.From, Event: tr.Event, To: tr.To})
		state = tr.To
	}
	require.Equal(r, state, next.State)
	if before.State.Terminal() {
		require.Equal(r, before.State, next.State)
		require.Equal(r, Erased, next.Reason, "an end is final")
	}
	require.False(r, slices.ContainsFunc(transitions, func(t Transition) bool { return t.Step > 50 && t.Event != Erased }), "at most fifty steps, and a tombstone")
	if next.State.Terminal() {
		require.Empty(r, next.Key)
		require.Empty(r, next.Ask)
		require.True(r, next.Due.IsZero())
	} else {
		r.checkLive(next)
	}
	r.checkStored(next)
	r.o = next
}

func (r *randomRun) checkLive(o Snapshot) {
	require.NotEqual(r, Applied, o.State, "applied is left in the same commit")
	require.Equal(r, o.State, stateOf[o.Ask], "the prompt is one of its state")
	for _, e := range o.Attempts {
		kind, n := e.Kind, e.N
		require.GreaterOrEqual(r, n, 0)
		require.LessOrEqual(r, n, map[PromptKind]int{
			PromptApplication: 3, PromptPassword: r.limits.Passwords, PromptQueryPassword: 3,
			PromptCaptcha: r.limits.Captchas, PromptSecondCaptcha: r.limits.Captchas, PromptOwnSMS: r.limits.Captchas,
			PromptResetCaptcha: r.limits.Captchas,
		}[kind], kind)
	}
	require.GreaterOrEqual(r, o.Resends, 0)
	require.LessOrEqual(r, o.Resends, r.limits.Resends)
	p := o.Prompt(r.limits)
	require.Equal(r, o.Step, p.Step)
	require.False(r, p.Deadline.IsZero() || p.Deadline.After(o.Life))
	if o.Intent != nil {
		require.Equal(r, o.Intent.Deadline.Add(coreGrace), o.Due)
		require.Nil(r, o.Lost)
		return
	}
	require.Equal(r, p.Deadline, o.Due, "it is due when the prompt ends")
	require.True(r, p.AttemptsLeft > 0 || p.Reset, "the prompt can be answered")
}

// checkStored checks that a snapshot is loaded as it was stored.
func (r *randomRun) checkStored(o Snapshot) {
	stored, err := Seal(r.sealer, o)
	require.NoError(r, err)
	if r.sealer == nil {
		require.Equal(r, 1, stored.Table)
	}
	require.Equal(r, o.Intent != nil, stored.InFlight)
	again, err := Open(r.sealer, stored)
	require.NoError(r, err)
	o.Record, again.Record = Record{}, Record{}
	require.Empty(r, cmp.Diff(o, again, cmp.AllowUnexported(Snapshot{}), cmpopts.EquateEmpty()))
}

// endsByItself checks that timers alone bring it to an end.
func (r *randomRun) endsByItself() {
	for range clockTurns {
		if r.o.State.Terminal() {
			return
		}
		if r.now.Before(r.o.Due) {
			r.now = r.o.Due
		}
		d, due := r.o.Overdue(r.now, r.limits)
		require.True(r, due)
		r.decide(d)
	}
	r.Fatalf("it never ended: %s, asks for %s", r.o.State, r.o.Ask)
}

// clockTurns is more than the timers that a verification can have.
const clockTurns = 52
