package proof_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// What the simulation does and checks as the upstream, the Reporter and the store.

// Apply implements carrierfsm.Upstream.
func (s *simulation) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	if err := s.inFlight(); err != nil {
		return carrierfsm.Receipt{}, err
	}
	return carrierfsm.Receipt{Accepted: !s.odds(5), Token: carrierfsm.NewSecret(fsmtest.Token), Source: s.source()}, nil
}

// Collect implements carrierfsm.Upstream.
func (s *simulation) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	r.Captcha.Use(func(code []byte) {
		if len(code) == 0 {
			return
		}
		if s.arrivals[string(code)]++; s.arrivals[string(code)] > 1 {
			s.fail("a code has arrived twice")
		}
	})
	if err := s.inFlight(); err != nil {
		return carrierfsm.Reply{}, err
	}
	reply := carrierfsm.Reply{
		Success: !s.odds(30), Code: carrierfsm.ProcessCode(oneOf(s, simulatedCodes...)), Finish: s.odds(2), AlreadyCollected: s.odds(30),
		Type:     oneOf(s, "CONTROL", "CONTROL", "CONTROL", "", "ERROR", "RUNNING", "TIP", "MOON"),
		Template: oneOf(s, "", "", "SUBMIT_CAPTCHA", "RESEND_CAPTCHA", "SUBMIT_QUERY_PWD", "SUBMIT_RESET_PWD", "MOON"),
	}
	if s.odds(3) {
		next := s.source()
		reply.Next = &next
	}
	return reply, nil
}

var simulatedCodes = []string{
	"0", "10001", "10002", "10003", "10004", "10006", "10007", "10008", "10009", "10010", "10017",
	"10018", "10022", "10023", "11000", "11001", "30000", "31000",
}

func (s *simulation) source() carrierfsm.Source {
	return carrierfsm.Source{
		Website: oneOf(s, "chinamobilejs", "chinaunicom"), Online: !s.odds(10), ResetMethod: carrierfsm.ResetMethod(s.IntN(3)),
	}
}

// inFlight is what happens while a call is in flight. It returns the error of the
// call. The intent must be committed, and its call must be the first.
func (s *simulation) inFlight() error {
	s.calls++
	if !s.record.InFlight || s.called[s.record.Version] {
		s.fail("a call without an intent of its own")
	}
	s.called[s.record.Version] = true
	s.depth++
	newer := false
	defer func() { s.depth, s.overtaken = s.depth-1, newer }()
	if s.odds(10) {
		s.submit(s.input(oneOf(s, inputKinds...), s.v.Step)) // refused, but for a cancellation
	}
	switch {
	case s.odds(11) && s.depth < 4: // another replica gives the call up
		s.givenUp++
		s.pass(simulatedTimeout + simulatedGrace)
		if s.record.InFlight {
			s.fail("a call is in flight after its deadline and its grace")
		}
		version := s.record.Version
		for s.odds(2) && !s.record.State.Terminal() {
			s.turn()
		}
		newer = s.record.Version > version
	case s.odds(300):
		s.erase()
	default:
		s.clock.Advance(time.Duration(s.Int64N(int64(simulatedTimeout))).Truncate(time.Microsecond)) // as stores keep it
	}
	switch {
	case s.odds(20):
		return errors.New("the reply is lost")
	case s.odds(21):
		return carrierfsm.ErrNotSent
	}
	return nil
}

// ReportState implements carrierfsm.Reporter. The machine calls it in a goroutine for
// which Settle waits.
func (s *simulation) ReportState(context.Context, carrierfsm.Secret) (carrierfsm.ReportState, error) {
	return oneOf(s, carrierfsm.ReportStatePending, carrierfsm.ReportStatePending, carrierfsm.ReportStateReady, carrierfsm.ReportStateFailed), nil
}

// Create implements carrierfsm.Store, and Commit and Erase too.
func (s *simulation) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.check(r, entries, s.Store.Create(ctx, r, entries...))
}

func (s *simulation) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.check(r, entries, s.Store.Commit(ctx, r, entries...))
}

func (s *simulation) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.check(r, entries, s.Store.Erase(ctx, r, entries...))
}

// check checks one commit, unless it failed.
func (s *simulation) check(r carrierfsm.Record, entries []carrierfsm.Entry, err error) error {
	if err != nil {
		return err
	}
	s.commits++
	before := s.record
	s.record = r
	s.record.Body = nil
	if err := checkCommit(before, r, entries, s.clock.Now()); err != nil {
		s.fail("%w: %+v after %+v", err, s.record, before)
	}
	if r.InFlight && !before.InFlight {
		if s.answered[r.Step] {
			s.fail("step %d was answered twice", r.Step)
		}
		s.answered[r.Step] = true
	}
	return nil
}

// checkCommit checks a commit after the record before.
func checkCommit(before, r carrierfsm.Record, entries []carrierfsm.Entry, now time.Time) error {
	state := before.State
	for i, e := range entries {
		if e.From != state || e.Step != before.Step+1+i {
			return fmt.Errorf("a gap before %v", e)
		}
		if e.Step > 50 && e.Event != carrierfsm.Erased {
			return errors.New("more than fifty steps")
		}
		state = e.To
	}
	switch {
	case before.ID == "":
		return nil // created
	case r.Version != before.Version+1 || r.Step != before.Step+len(entries) || r.State != state:
		return errors.New("version, step or state are not those of the transitions")
	case before.State.Terminal() && r.State != before.State:
		return errors.New("it has ended twice")
	case r.State.Terminal():
		return checkEnd(r)
	case r.InFlight && len(entries) > 0:
		return errors.New("a transition with a call in flight")
	case r.InFlight && !before.InFlight && !r.Due.Equal(now.Add(simulatedTimeout+simulatedGrace)):
		return errors.New("an intent is not due at its deadline and grace")
	case r.InFlight && before.InFlight && !r.Due.Equal(before.Due):
		return errors.New("an intent is due at another time")
	case !r.InFlight && (r.Due.IsZero() || r.Due.After(r.Created.Add(simulatedLife))):
		return errors.New("it is not due within its life")
	}
	return nil
}

func checkEnd(r carrierfsm.Record) error {
	watched := r.State == carrierfsm.Done && r.Reason == carrierfsm.CollectionStarted
	if r.InFlight || r.Key != "" || watched == r.Due.IsZero() {
		return errors.New("something is left of what has ended")
	}
	return nil
}

// see checks a verification that was returned.
func (s *simulation) see(v carrierfsm.Verification) {
	if v.ID == s.v.ID && v.Step < s.v.Step {
		s.fail("step %d was returned after step %d", v.Step, s.v.Step)
	}
	s.v = v
	if err := checkVerification(v, s.record); err != nil {
		s.fail("%w: %+v with the prompt %+v", err, v, v.Prompt)
	}
}

// checkVerification compares a verification with its record.
func checkVerification(v carrierfsm.Verification, r carrierfsm.Record) error {
	p := v.Prompt
	if v.Step != r.Step || v.State != r.State || v.InFlight != r.InFlight {
		return errors.New("it is not what is stored")
	}
	if (p == nil) != v.State.Terminal() {
		return errors.New("a prompt after the end, or none before it")
	}
	if p == nil {
		return nil
	}
	limit := 3
	if p.Kind == carrierfsm.PromptPassword {
		limit = 2
	}
	switch {
	case promptStates[p.Kind] != v.State || p.Step != v.Step:
		return errors.New("the prompt is not one of its state and step")
	case p.AttemptsLeft < 0 || p.AttemptsLeft > limit || p.Resend != nil && (p.Resend.Left < 1 || p.Resend.Left > 3):
		return errors.New("a limit is exceeded")
	case !v.InFlight && p.AttemptsLeft == 0 && !p.Reset:
		return errors.New("the prompt can't be answered")
	case !v.InFlight && !p.Deadline.Equal(r.Due):
		return errors.New("the prompt does not end when it is due")
	}
	return nil
}

// promptStates are the states of the prompts.
var promptStates = map[carrierfsm.PromptKind]carrierfsm.State{
	carrierfsm.PromptApplication: carrierfsm.Created, carrierfsm.PromptPassword: carrierfsm.AwaitingPassword,
	carrierfsm.PromptQueryPassword: carrierfsm.AwaitingPassword, carrierfsm.PromptCaptcha: carrierfsm.AwaitingCaptcha,
	carrierfsm.PromptSecondCaptcha: carrierfsm.AwaitingCaptcha, carrierfsm.PromptOwnSMS: carrierfsm.AwaitingCaptcha,
	carrierfsm.PromptResetCaptcha: carrierfsm.AwaitingCaptcha,
}

func TestTheSimulationFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	b := fsmtest.NewWith(t, carrierfsm.Config{CallTimeout: simulatedTimeout, Grace: simulatedGrace})
	v := b.Reach()
	before, intent := b.Record(), b.Record()
	intent.Version, intent.InFlight, intent.Due = before.Version+1, true, b.Clock.Now().Add(simulatedTimeout+simulatedGrace)
	require.NoError(t, checkCommit(before, intent, nil, b.Clock.Now()))
	for what, harm := range map[string]func(*carrierfsm.Record){
		"version":   func(r *carrierfsm.Record) { r.Version++ },
		"step":      func(r *carrierfsm.Record) { r.Step++ },
		"due":       func(r *carrierfsm.Record) { r.Due = r.Due.Add(time.Second) },
		"never due": func(r *carrierfsm.Record) { r.InFlight, r.Due = false, time.Time{} },
		"state":     func(r *carrierfsm.Record) { r.State = carrierfsm.AwaitingCaptcha },
		"end":       func(r *carrierfsm.Record) { r.State, r.Due = carrierfsm.Done, time.Time{} },
	} {
		harmed := intent
		harm(&harmed)
		require.Error(t, checkCommit(before, harmed, nil, b.Clock.Now()), what)
	}
	require.NoError(t, checkVerification(v, before))
	for what, harm := range map[string]func(*carrierfsm.Verification){
		"attempts":    func(v *carrierfsm.Verification) { v.Prompt.AttemptsLeft = 3 },
		"no attempts": func(v *carrierfsm.Verification) { v.Prompt.AttemptsLeft = 0 },
		"resends":     func(v *carrierfsm.Verification) { v.Prompt.Resend = &carrierfsm.Resend{Left: 4} },
		"deadline":    func(v *carrierfsm.Verification) { v.Prompt.Deadline = v.Prompt.Deadline.Add(time.Second) },
		"kind":        func(v *carrierfsm.Verification) { v.Prompt.Kind = carrierfsm.PromptCaptcha },
		"no prompt":   func(v *carrierfsm.Verification) { v.Prompt = nil },
		"step":        func(v *carrierfsm.Verification) { v.Step++ },
	} {
		harmed, prompt := v, *v.Prompt
		harmed.Prompt = &prompt
		harm(&harmed)
		require.Error(t, checkVerification(harmed, before), what)
	}
}
