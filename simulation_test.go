package carrierfsm_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	. "github.com/carrierfsm/carrierfsm"
)

var (
	simulationSeed  = flag.Uint64("simulation.seed", 0, "replay the simulation of this seed; 0 draws one")
	simulationSteps = flag.Int("simulation.steps", 0, "how many commits to simulate; 0 means a million, a tenth of it under the race detector, a hundredth with -short")
)

// The pure core, simulated in one goroutine: persons, upstream, clocks, crashes
// between intent and outcome, late answers, cancellations, erasures. No
// machine, no store, no time. The same seed makes the same run.
func TestAMillionSimulatedStepsKeepTheInvariants(t *testing.T) {
	t.Parallel()
	steps, seed := *simulationSteps, *simulationSeed
	if steps == 0 {
		steps = 1_000_000
		if raceDetector {
			steps /= 10
		}
		if testing.Short() {
			steps /= 100
		}
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run %s -simulation.seed %d -simulation.steps %d .", t.Name(), seed, steps)
	s := &simulation{Rand: rand.New(rand.NewPCG(seed, 0)), driven: make(map[Edge]int)}
	s.limits = WithReports(DefaultLimits())
	for s.commits < steps {
		s.one()
		require.Empty(t, s.broken, "after %d commits of seed %d", s.commits, seed)
	}
	t.Logf("%d commits of %d verifications", s.commits, s.verifications)
	if steps < 100_000 {
		return // too few to be sure of the rare ones
	}
	for _, e := range Edges() {
		if drivable(e) {
			require.Positive(t, s.driven[e], "nothing drove %v", e)
		}
	}
}

// drivable: applied is left in the commit that enters it, and the port knows
// only accepted and refused forms.
func drivable(e Edge) bool {
	return (e.From != Applied || e.Event == PasswordRequested) && (e.From != Created || e.Event != ReplyUnrecognized)
}

// simulation is a world with one verification at a time.
type simulation struct {
	*rand.Rand
	limits Limits
	now    time.Time
	o      Opened
	driven map[Edge]int
	broken string

	commits, verifications int
	answered               map[int]bool // steps whose prompt was answered, and not given back
}

func (s *simulation) odds(n int) bool { return s.IntN(n) == 0 }

func oneOf[T any](s *simulation, list ...T) T { return list[s.IntN(len(list))] }

// one runs one verification to its end.
func (s *simulation) one() {
	s.verifications++
	s.now = coreStart
	s.o = standing(PromptApplication)
	s.answered = make(map[int]bool)
	for n := 0; !s.o.State.Terminal() && s.broken == ""; n++ {
		if n > 10_000 {
			s.broken = "it does not end"
		}
		s.turn()
	}
	s.afterEnd()
}

func (s *simulation) turn() {
	switch {
	case s.o.Intent != nil:
		s.underWay()
	case s.odds(30):
		s.tick(oneOf(s, time.Second, time.Minute, 6*time.Minute, 11*time.Minute, 40*time.Minute))
	case s.odds(400):
		s.take(s.o.Cancel(s.now, s.limits))
	case s.odds(401):
		s.take(s.o.Erase(s.now))
	case s.o.Lost != nil && s.odds(2): // the answer that was given up comes after all
		out := s.answer(s.o.Lost.Call)
		if s.o.AwaitsOutcome(s.o.Lost.Version, out) {
			s.take(s.o.Settle(out, s.now, s.limits))
		}
	case s.odds(4):
		s.submit(oneOf(s, inputKinds...), oneOf(s, 0, 0, -1, 1))
	default:
		s.submit(answerOf[s.o.Ask], 0)
	}
}

// underWay: a call brings an answer, or its process dies.
func (s *simulation) underWay() {
	switch {
	case s.odds(10):
		s.submit(oneOf(s, inputKinds...), 0) // refused, but for a cancellation
	case s.odds(11):
		s.tick(coreTimeout + coreGrace) // it died; another replica gives the call up
	case s.odds(300):
		s.take(s.o.Erase(s.now))
	default:
		s.now = s.now.Add(time.Duration(s.IntN(int(coreTimeout))))
		out := s.answer(s.o.Intent.Call)
		s.take(s.o.Settle(out, s.now, s.limits))
	}
}

func (s *simulation) tick(d time.Duration) {
	s.now = s.now.Add(d)
	if d, due := s.o.Overdue(s.now, s.limits); due {
		s.take(d)
	}
}

func (s *simulation) submit(kind InputKind, shift int) {
	in := inputFor(kind, s.o.Step+shift)
	if kind == InputResetCaptcha && s.o.At.ResetMethod == ResetWithNewPassword {
		in = ResetCaptcha{Step: s.o.Step + shift, Code: NewSecret("500001"), NewPassword: NewSecret("864200")}
	}
	if s.o.Refuse(in, s.now, s.limits) != nil {
		return
	}
	switch {
	case kind == InputCancel && s.o.Intent == nil:
		if s.odds(20) {
			s.take(s.o.Cancel(s.now, s.limits))
		}
	case kind == InputCancel:
		if !s.o.Intent.Canceled {
			s.commit(s.o.FlagCancel(s.now), nil)
		}
	default:
		if s.o.Intent != nil || shift != 0 && s.o.Step != 0 {
			s.broken = fmt.Sprintf("%s was taken with an answer under way, or for another prompt", kind)
		}
		if s.answered[s.o.Step] {
			s.broken = fmt.Sprintf("step %d was answered twice", s.o.Step)
		}
		s.answered[s.o.Step] = true
		s.commit(s.o.Intend(in, s.now, s.now.Add(coreTimeout), coreGrace), nil)
	}
}

// answer is what upstream may say, or not.
func (s *simulation) answer(call Call) Outcome {
	switch {
	case s.odds(20):
		return Faulted(FaultUnknown)
	case s.odds(21):
		return Faulted(FaultNotSent)
	}
	source := Source{
		Website: oneOf(s, "chinamobilejs", "chinaunicom"), Online: !s.odds(10),
		ResetMethod: ResetMethod(s.IntN(3)),
	}
	if call == CallApply {
		return Received(!s.odds(5), token, source)
	}
	r := Reply{
		Success: !s.odds(30), Code: ProcessCode(oneOf(s, replyCodes[:18]...)), Finish: s.odds(2), AlreadyCollected: s.odds(30),
		Type:     oneOf(s, "CONTROL", "CONTROL", "CONTROL", "", "ERROR", "RUNNING", "TIP", "MOON"),
		Template: oneOf(s, "", "", "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD", "MOON"),
	}
	if s.odds(3) {
		r.Next = &source
	}
	return Replied(r)
}

// afterEnd: the report, an erasure, and nothing else.
func (s *simulation) afterEnd() {
	for s.o.Watch != nil && s.broken == "" {
		s.now = s.o.Due
		if _, due := s.o.Overdue(s.now, s.limits); due {
			s.broken = "the clock moves what is done"
			return
		}
		s.commit(s.o.AskReport(s.now, s.limits), nil)
		if d, ok := s.o.Reported(oneOf(s, ReportPending, ReportPending, ReportIsReady, ReportHasNone), s.now, s.limits); ok {
			s.take(d)
		}
	}
	if s.odds(10) {
		s.take(s.o.Erase(s.now))
	}
	for _, kind := range inputKinds {
		if s.o.Refuse(inputFor(kind, s.o.Step), s.now, s.limits) == nil {
			s.broken = fmt.Sprintf("%s was taken after the end", kind)
		}
	}
}

func (s *simulation) take(d Decision) {
	if d.Err() != nil {
		s.broken = d.Err().Error()
		return
	}
	s.commit(d.After(), d.Transitions())
}

// commit holds one commit to the invariants.
func (s *simulation) commit(next Opened, transitions []Transition) {
	before := s.o
	s.commits++
	s.o = next
	state := before.State
	for i, tr := range transitions {
		if tr.From != state || tr.Step != before.Step+1+i {
			s.broken = fmt.Sprintf("a gap before %v", tr)
		}
		s.driven[Edge{From: tr.From, Event: tr.Event, To: tr.To}]++
		state = tr.To
	}
	switch {
	case next.Version != before.Version+1 || next.Step != before.Step+len(transitions) || next.State != state:
		s.broken = "version, step or state are not those of the transitions"
	case next.State.Terminal():
		s.checkEnd(next)
	default:
		s.checkRunning(next)
	}
	if s.commits%64 == 0 && s.broken == "" {
		s.roundTrip(next)
	}
}

func (s *simulation) checkEnd(o Opened) {
	p := o.View(s.limits)
	if o.Intent != nil || o.Key != "" || o.Ask != "" || p.Prompt != nil || (o.Watch == nil) != o.Due.IsZero() || o.Watch != nil && o.State != Done {
		s.broken = fmt.Sprintf("something is left of what has ended: %+v", o.Record)
	}
}

func (s *simulation) checkRunning(o Opened) {
	p := o.Prompt(s.limits)
	due := p.Deadline
	if o.Intent != nil {
		due = o.Intent.Deadline.Add(coreGrace)
	}
	for _, e := range o.Attempts {
		kind, n := e.Kind, e.N
		if n < 0 || n > map[PromptKind]int{PromptPassword: 2}[kind]+btoi(kind != PromptPassword)*3 {
			s.broken = fmt.Sprintf("%d attempts at %s", n, kind)
		}
	}
	switch {
	case p.Deadline.IsZero() || p.Deadline.After(o.Life):
		s.broken = "a prompt without an end"
	case !o.Due.Equal(due):
		s.broken = fmt.Sprintf("due at %v, not at %v", o.Due, due)
	case o.Intent == nil && p.AttemptsLeft <= 0 && !p.Reset:
		s.broken = "what is asked can't be answered"
	case o.Step > 50 || o.Resends > s.limits.Resends || o.Resets > s.limits.Resets || o.Resends < 0 || o.Resets < 0:
		s.broken = "a limit is passed"
	case stateOf[o.Ask] != o.State:
		s.broken = fmt.Sprintf("%s is asked in %s", o.Ask, o.State)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// roundTrip: what is stored reads as what was written.
func (s *simulation) roundTrip(o Opened) {
	r, err := Seal(nil, o)
	if err != nil {
		s.broken = err.Error()
		return
	}
	again, err := Open(nil, r)
	if err != nil {
		s.broken = err.Error()
		return
	}
	twice, err := Seal(nil, again)
	if err != nil || !reflect.DeepEqual(r, twice) {
		s.broken = fmt.Sprintf("%s is read as %s", r.Body, twice.Body)
	}
}

func TestTheSimulationFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	for _, harm := range []func(*Opened){
		func(o *Opened) { o.Version++ },
		func(o *Opened) { o.Step++ },
		func(o *Opened) { o.Due = o.Due.Add(time.Second) },
		func(o *Opened) { o.Attempts = Tallied(map[PromptKind]int{PromptPassword: 3}) },
		func(o *Opened) { o.Resends = 4 },
		func(o *Opened) { o.State = AwaitingCaptcha },
		func(o *Opened) { o.State, o.Due = Done, time.Time{} },
	} {
		s := &simulation{limits: DefaultLimits(), o: standing(PromptPassword), now: coreStart, driven: make(map[Edge]int)}
		next := s.o.Intend(inputFor(InputPassword, s.o.Step), s.now, s.now.Add(coreTimeout), coreGrace)
		harm(&next)
		s.commit(next, nil)
		require.NotEmpty(t, s.broken)
	}
	require.True(t, slices.ContainsFunc(Edges(), drivable))
}
