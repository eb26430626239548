package proof_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/race"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

var (
	simulationSeed  = flag.Uint64("simulation.seed", 0, "run the simulation of this seed; 0 draws one")
	simulationSteps = flag.Int("simulation.steps", 0, "the number of commits to simulate; 0: a million, a tenth of it under the race detector, a hundredth with -short")
)

// Two replicas run one verification after the other: persons who answer, click
// twice, cancel and leave; upstreams that answer anything, late or never; replicas
// that give up each other's calls; erasures, and reports. Everything runs in one
// goroutine, with a manual clock: the same seed gives the same run.
func TestAMillionSimulatedStepsKeepTheInvariants(t *testing.T) {
	t.Parallel()
	steps, seed := *simulationSteps, *simulationSeed
	if steps == 0 {
		steps = 1_000_000
		if race.Enabled {
			steps /= 10
		}
		if testing.Short() {
			steps /= 100
		}
	}
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run %s ./internal/proof -simulation.seed %d -simulation.steps %d", t.Name(), seed, steps)
	s := &simulation{Rand: rand.New(rand.NewPCG(seed, 0)), covered: fsmtest.NewCoverage()}
	for s.commits < steps {
		s.newWorld(t)
		for range 200 {
			s.one()
			require.NoError(t, s.broken, "after %d commits of seed %d", s.commits, seed)
		}
	}
	t.Logf("%d commits of %d verifications, %d calls, %d of them given up", s.commits, s.verifications, s.calls, s.givenUp)
	if steps < 100_000 {
		return // too few for the rare edges
	}
	for _, e := range s.covered.Missing() {
		require.False(t, takeable(e), "no run takes %v", e)
	}
}

// takeable reports whether a run can take the edge: the state applied is left in the
// commit that enters it, and Upstream.Apply returns only accepted or refused.
func takeable(e carrierfsm.Edge) bool {
	return (e.From != carrierfsm.Applied || e.Event == carrierfsm.PasswordRequested) &&
		(e.From != carrierfsm.Created || e.Event != carrierfsm.ReplyUnrecognized)
}

const (
	simulatedTimeout = 3 * time.Minute
	simulatedGrace   = 15 * time.Second
	simulatedLife    = 30 * time.Minute
)

// simulation has one verification at a time. It is the upstream, the Reporter and
// the store of the machines.
type simulation struct {
	*rand.Rand
	carrierfsm.Store // the memory store
	clock            *fsmtest.Clock
	machines         [2]*carrierfsm.Machine
	covered          *fsmtest.Coverage
	broken           error // the first violation of an invariant

	commits, verifications, calls, givenUp int

	v         carrierfsm.Verification // as it was returned last
	record    carrierfsm.Record       // as it was committed last
	depth     int                     // of calls within calls
	overtaken bool                    // the last call was given up, and something newer has happened
	secrets   int                     // how many were made
	answered  map[int]bool            // the steps that were answered
	called    map[int64]bool          // the intents whose call was made, by version
	arrivals  map[string]int          // of codes
}

// newWorld starts the machines on an empty store, so that its size is limited.
func (s *simulation) newWorld(t *testing.T) {
	t.Helper()
	s.Store, s.clock = s.covered.Watch(memory.New()), fsmtest.NewClock()
	for i := range s.machines {
		m, err := carrierfsm.New(carrierfsm.Config{
			Numbers: budget.None(),
			Store:   s, Upstream: s, Reporter: s, Now: s.clock.Now,
			CallTimeout: simulatedTimeout, Grace: simulatedGrace, Limits: carrierfsm.Limits{Life: simulatedLife},
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, m.Close(context.Background())) })
		s.machines[i] = m
	}
}

func (s *simulation) odds(n int) bool { return s.IntN(n) == 0 }

func oneOf[T any](s *simulation, list ...T) T { return list[s.IntN(len(list))] }

func (s *simulation) machine() *carrierfsm.Machine { return s.machines[s.IntN(len(s.machines))] }

func (s *simulation) fail(format string, args ...any) {
	if s.broken == nil {
		s.broken = fmt.Errorf(format, args...)
	}
}

// one runs one verification to its end, and beyond.
func (s *simulation) one() {
	s.verifications++
	s.answered, s.called, s.arrivals = make(map[int]bool), make(map[int64]bool), make(map[string]int)
	id := fmt.Sprintf("v%d", s.verifications)
	s.record = carrierfsm.Record{}
	v, err := s.machine().Create(context.Background(), carrierfsm.NewVerification{ID: id, Key: "key-of-" + id})
	if err != nil {
		s.fail("it can't be created: %w", err)
	}
	s.see(v)
	for n := 0; !s.record.State.Terminal() && s.broken == nil; n++ {
		if n > 10_000 {
			s.fail("it does not end")
		}
		s.turn()
	}
	s.afterEnd()
}

// turn is one thing that happens while no call is in flight.
func (s *simulation) turn() {
	switch {
	case s.odds(30):
		s.pass(oneOf(s, time.Second, time.Minute, 6*time.Minute, 11*time.Minute, 40*time.Minute))
	case s.odds(400):
		s.submit(carrierfsm.Cancel{})
	case s.odds(401):
		s.erase()
	case s.odds(4):
		s.submit(s.input(oneOf(s, inputKinds...), s.v.Step+oneOf(s, 0, 0, -1, 1)))
	default:
		s.submit(s.input(s.answerTo(s.v.Prompt), s.v.Step))
	}
}

// afterEnd has the report asked for, and no input accepted.
func (s *simulation) afterEnd() {
	for s.broken == nil && !s.record.Due.IsZero() {
		s.pass(s.record.Due.Sub(s.clock.Now()))
	}
	if s.odds(10) {
		s.erase()
	}
	for _, kind := range inputKinds {
		if _, err := s.machine().Submit(context.Background(), s.v.ID, s.input(kind, s.v.Step)); !errors.Is(err, carrierfsm.ErrNotAwaited) {
			s.fail("%s after the end returned %w", kind, err)
		}
	}
}

// pass has time pass and one of the machines settle what is due.
func (s *simulation) pass(d time.Duration) {
	s.clock.Advance(d)
	m := s.machine()
	if _, err := m.Settle(context.Background()); err != nil {
		s.fail("calling Settle: %w", err)
	}
	s.get(m)
}

func (s *simulation) get(m *carrierfsm.Machine) {
	v, err := m.Get(context.Background(), s.v.ID)
	if err != nil {
		s.fail("calling Get: %w", err)
	}
	s.see(v)
}

func (s *simulation) erase() {
	m := s.machine()
	if err := m.Erase(context.Background(), s.v.ID); err != nil {
		s.fail("calling Erase: %w", err)
	}
	s.get(m)
}

// refusals are the errors of an input that was not accepted.
var refusals = []error{
	carrierfsm.ErrInvalid, carrierfsm.ErrStale, carrierfsm.ErrInFlight, carrierfsm.ErrNotAwaited,
	carrierfsm.ErrTooMany, carrierfsm.ErrTooSoon, carrierfsm.ErrPasswordNeeded, carrierfsm.ErrPending,
}

// submit submits an input to one of the machines. An error must be a refusal.
func (s *simulation) submit(in carrierfsm.Input) {
	m, before := s.machine(), s.record
	s.overtaken = false
	v, err := m.Submit(context.Background(), s.v.ID, in)
	if errors.Is(err, carrierfsm.ErrPasswordNeeded) { // another machine holds it
		code := s.input(carrierfsm.InputCaptcha, s.v.Step).(carrierfsm.Captcha)
		code.Password = s.secret("246810")
		v, err = m.Submit(context.Background(), s.v.ID, code)
	}
	if err != nil && !slices.ContainsFunc(refusals, func(e error) bool { return errors.Is(err, e) }) {
		s.fail("%s returned %w", in.Kind(), err)
	}
	if s.overtaken && !errors.Is(err, carrierfsm.ErrStale) {
		s.fail("a late reply was taken after something newer had happened")
	}
	s.overtaken = false
	if before.InFlight && err == nil {
		s.fail("%s was accepted with a call in flight", in.Kind())
	}
	if v.ID == "" {
		s.get(m)
		return
	}
	s.see(v)
}

var inputKinds = []carrierfsm.InputKind{
	carrierfsm.InputApply, carrierfsm.InputPassword, carrierfsm.InputQueryPassword, carrierfsm.InputCaptcha, carrierfsm.InputResendCaptcha,
	carrierfsm.InputRequestReset, carrierfsm.InputResetCaptcha, carrierfsm.InputSkipSource, carrierfsm.InputCancel,
}

// answerTo is the kind of input that answers a prompt.
func (s *simulation) answerTo(p *carrierfsm.Prompt) carrierfsm.InputKind {
	switch p.Kind {
	case carrierfsm.PromptApplication:
		return carrierfsm.InputApply
	case carrierfsm.PromptPassword:
		if p.AttemptsLeft == 0 {
			return carrierfsm.InputRequestReset
		}
		return carrierfsm.InputPassword
	case carrierfsm.PromptQueryPassword:
		return carrierfsm.InputQueryPassword
	case carrierfsm.PromptResetCaptcha:
		return carrierfsm.InputResetCaptcha
	default:
		return carrierfsm.InputCaptcha
	}
}

func (s *simulation) secret(value string) carrierfsm.Secret { return carrierfsm.NewSecret(value) }

// code is a code that was not submitted before.
func (s *simulation) code() carrierfsm.Secret {
	s.secrets++
	return s.secret(fmt.Sprintf("%08d", s.secrets))
}

func (s *simulation) input(kind carrierfsm.InputKind, step int) carrierfsm.Input {
	switch kind {
	case carrierfsm.InputApply:
		return application(step)
	case carrierfsm.InputPassword:
		return carrierfsm.Password{Step: step, Password: s.secret("246810")}
	case carrierfsm.InputQueryPassword:
		return carrierfsm.QueryPassword{Step: step, Password: s.secret("135790")}
	case carrierfsm.InputCaptcha:
		in := carrierfsm.Captcha{Step: step, Code: s.code()}
		if s.odds(10) {
			in.Password = s.secret("864200")
		}
		return in
	case carrierfsm.InputResendCaptcha:
		return carrierfsm.ResendCaptcha{Step: step}
	case carrierfsm.InputRequestReset:
		return carrierfsm.RequestReset{Step: step}
	case carrierfsm.InputResetCaptcha:
		in := carrierfsm.ResetCaptcha{Step: step, Code: s.code()}
		if s.v.Prompt != nil && s.v.Prompt.NeedsNewPassword {
			in.NewPassword = s.secret("975310")
		}
		return in
	case carrierfsm.InputSkipSource:
		return carrierfsm.SkipSource{Step: step}
	default:
		return carrierfsm.Cancel{}
	}
}
