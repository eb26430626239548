package fsmtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Bench is a Machine under test with a scripted upstream, a store, a manual
// clock and one verification. Its methods that submit an input name the step of
// the present prompt; to name another step, use Submit.
//
// The fields may be read at any time; only Restart changes one. The methods are
// safe for concurrent use, except Restart, and those that fail the test must run
// in its goroutine, as testing.TB requires.
type Bench struct {
	// Machine is the machine under test. Restart replaces it.
	Machine *carrierfsm.Machine
	// Upstream is the scripted upstream. Replicas share it.
	Upstream *Upstream
	// Store is the store of the machine.
	Store carrierfsm.Store
	// Clock is the clock of the machine, unless its Config.Now was set.
	Clock *Clock
	// ID is the id of the verification.
	ID string

	tb  testing.TB
	cfg carrierfsm.Config
}

// New returns a Bench with a store in memory, these answers scripted, and the
// created verification v1. At the end of the test its machines are closed. A call
// that is still in flight then, a call for which the script had no answer, and an
// answer that is left over fail the test.
func New(tb testing.TB, answers ...Answer) *Bench {
	tb.Helper()
	return NewWith(tb, carrierfsm.Config{}, answers...)
}

// NewWith is New with a configuration. A nil Store is a fresh one in memory, a
// nil Now is the Bench's Clock, Numbers that are not chosen count nothing, and
// Upstream is replaced by the scripted one; to put something around that, use Replica.
func NewWith(tb testing.TB, cfg carrierfsm.Config, answers ...Answer) *Bench {
	tb.Helper()
	b := &Bench{tb: tb, Upstream: NewUpstream(answers...), Clock: NewClock(), cfg: cfg}
	if b.cfg.Store == nil {
		b.cfg.Store = memory.New()
	}
	if !b.cfg.Numbers.Chosen() {
		b.cfg.Numbers = budget.None()
	}
	if b.cfg.Now == nil {
		b.cfg.Now = b.Clock.Now
	}
	b.cfg.Upstream = b.Upstream
	b.Store = b.cfg.Store
	b.Restart()
	tb.Cleanup(func() {
		if err := b.Upstream.Check(); err != nil {
			tb.Errorf("%v", err)
		}
	})
	return b.Create(carrierfsm.NewVerification{ID: "v1"})
}

// Create returns a Bench for another verification, which it creates, on the same
// machine. It fails the test if that can't be created.
func (b *Bench) Create(n carrierfsm.NewVerification) *Bench {
	b.tb.Helper()
	other := *b
	other.ID = b.Must(b.Machine.Create(context.Background(), n)).ID
	return &other
}

// Replica returns a Bench for the same verification on another machine, which
// has the same store, upstream and clock. change may change its configuration,
// for instance wrap its Store or its Upstream.
func (b *Bench) Replica(change ...func(*carrierfsm.Config)) *Bench {
	b.tb.Helper()
	other := *b
	for _, f := range change {
		f(&other.cfg)
	}
	other.Store = other.cfg.Store
	other.Restart()
	return &other
}

// Restart replaces the machine by a new one with the same configuration, as if
// the process had been killed: what was in memory is gone. A call of the old
// machine goes on, like one of another replica.
func (b *Bench) Restart() {
	b.tb.Helper()
	m, err := carrierfsm.New(b.cfg)
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	b.Machine = m
	b.tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			b.tb.Errorf("fsmtest: a call is still in flight at the end of the test: %v", err)
		}
	})
}

// Form returns the form of an invented person.
func Form() carrierfsm.Form {
	return carrierfsm.Form{Name: carrierfsm.NewSecret("测试用户"), IDCard: carrierfsm.NewSecret("11010119900307889X"), Phone: carrierfsm.NewSecret("13800138000")}
}

// Consent returns an invented consent.
func Consent() carrierfsm.Consent {
	return carrierfsm.Consent{Policy: "test-1", At: start, Channel: "test"}
}

// Reveal returns the value of a Secret as a string, for assertions.
func Reveal(s carrierfsm.Secret) (value string) {
	s.Use(func(v []byte) { value = string(v) })
	return value
}

// Dispatcher returns a Dispatcher that calls handlers for the transitions in the
// Bench's store. Its clock is the machine's unless c.Now is set. It fails the
// test if the store is no outbox.Store, or if c is invalid.
func (b *Bench) Dispatcher(c outbox.Config) *outbox.Dispatcher {
	b.tb.Helper()
	store, ok := b.Store.(outbox.Store)
	if !ok {
		b.tb.Fatal("fsmtest: the store is no outbox.Store")
	}
	if c.Now == nil {
		c.Now = b.cfg.Now
	}
	d, err := outbox.New(b.Machine, store, c)
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return d
}

// Apply submits the form of Form with the consent of Consent.
func (b *Bench) Apply() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.Apply{Step: b.step(), Form: Form(), Consent: Consent()})
}

// Password submits a service password.
func (b *Bench) Password(value string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.Password{Step: b.step(), Password: carrierfsm.NewSecret(value)})
}

// QueryPassword submits a query password.
func (b *Bench) QueryPassword(value string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.QueryPassword{Step: b.step(), Password: carrierfsm.NewSecret(value)})
}

// Captcha submits a code.
func (b *Bench) Captcha(value string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.Captcha{Step: b.step(), Code: carrierfsm.NewSecret(value)})
}

// RequestReset requests a reset of the password.
func (b *Bench) RequestReset() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.RequestReset{Step: b.step()})
}

// ResetCaptcha submits the code of a reset, and a new password with it unless
// that is empty.
func (b *Bench) ResetCaptcha(code, newPassword string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.ResetCaptcha{
		Step: b.step(), Code: carrierfsm.NewSecret(code), NewPassword: carrierfsm.NewSecret(newPassword),
	})
}

// SkipSource skips the present source.
func (b *Bench) SkipSource() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.SkipSource{Step: b.step()})
}

// Resend requests another code.
func (b *Bench) Resend() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.ResendCaptcha{Step: b.step()})
}

// Cancel cancels the verification.
func (b *Bench) Cancel() (carrierfsm.Verification, error) { return b.Submit(carrierfsm.Cancel{}) }

// Submit submits any input, with a context that does not end.
func (b *Bench) Submit(in carrierfsm.Input) (carrierfsm.Verification, error) {
	return b.Machine.Submit(context.Background(), b.ID, in)
}

// Must returns v. It fails the test if err is not nil.
func (b *Bench) Must(v carrierfsm.Verification, err error) carrierfsm.Verification {
	b.tb.Helper()
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return v
}

// Get returns the verification. It fails the test on an error.
func (b *Bench) Get() carrierfsm.Verification {
	b.tb.Helper()
	return b.Must(b.Machine.Get(context.Background(), b.ID))
}

// History returns the transitions of the verification, oldest first. It fails
// the test on an error.
func (b *Bench) History() []carrierfsm.Transition {
	b.tb.Helper()
	list, err := b.Machine.History(context.Background(), b.ID)
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return list
}

// Events returns the events of History.
func (b *Bench) Events() []carrierfsm.Event {
	b.tb.Helper()
	return events(b.History())
}

func events(history []carrierfsm.Transition) (list []carrierfsm.Event) {
	for _, t := range history {
		list = append(list, t.Event)
	}
	return list
}

// Record returns the record of the verification as it is stored. It fails the
// test on an error.
func (b *Bench) Record() carrierfsm.Record {
	b.tb.Helper()
	r, err := b.Store.Load(context.Background(), b.ID)
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return r
}

// Settle settles what is due and returns the verification after it. It fails the
// test on an error.
func (b *Bench) Settle() carrierfsm.Verification {
	b.tb.Helper()
	if _, err := b.Machine.Settle(context.Background()); err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return b.Get()
}

// Reach submits an invented answer to one prompt after the other, and has the
// upstream reply with these process codes: the first to the service password, the
// others to what is prompted for then. A verification that is at its application
// applies first. The script must be empty. Reach fails the test on an error, and
// where no prompt is left for a code.
func (b *Bench) Reach(codes ...carrierfsm.ProcessCode) carrierfsm.Verification {
	b.tb.Helper()
	v := b.Get()
	if v.Prompt != nil && v.Prompt.Kind == carrierfsm.PromptApplication {
		v = b.Must(b.Apply())
	}
	for _, code := range codes {
		if v.Prompt == nil {
			b.tb.Fatalf("fsmtest: no prompt is left for the code %s: %s in %s", code, v.Reason, v.State)
		}
		b.Upstream.Then(Code(code))
		v = b.Must(b.answer(answering[v.Prompt.Kind]))
	}
	return v
}

// answering is the kind of input that answers each kind of prompt.
var answering = map[carrierfsm.PromptKind]carrierfsm.InputKind{
	carrierfsm.PromptApplication: carrierfsm.InputApply, carrierfsm.PromptPassword: carrierfsm.InputPassword,
	carrierfsm.PromptQueryPassword: carrierfsm.InputQueryPassword, carrierfsm.PromptCaptcha: carrierfsm.InputCaptcha,
	carrierfsm.PromptSecondCaptcha: carrierfsm.InputCaptcha, carrierfsm.PromptOwnSMS: carrierfsm.InputCaptcha,
	carrierfsm.PromptResetCaptcha: carrierfsm.InputResetCaptcha,
}

// answer submits an input of a kind, with invented values.
func (b *Bench) answer(kind carrierfsm.InputKind) (carrierfsm.Verification, error) {
	switch kind {
	case carrierfsm.InputApply:
		return b.Apply()
	case carrierfsm.InputPassword:
		return b.Password("246810")
	case carrierfsm.InputQueryPassword:
		return b.QueryPassword("135790")
	case carrierfsm.InputCaptcha:
		return b.Captcha("500000")
	case carrierfsm.InputResendCaptcha:
		return b.Resend()
	case carrierfsm.InputRequestReset:
		return b.RequestReset()
	case carrierfsm.InputResetCaptcha:
		return b.ResetCaptcha("500000", b.newPassword())
	case carrierfsm.InputSkipSource:
		return b.SkipSource()
	case carrierfsm.InputCancel:
		return b.Cancel()
	default:
		return carrierfsm.Verification{}, fmt.Errorf("fsmtest: unknown kind of input %q", kind)
	}
}

// newPassword returns an invented password where the prompt wants a new one.
func (b *Bench) newPassword() string {
	v, err := b.Machine.Read(context.Background(), b.ID)
	if err == nil && v.Prompt != nil && v.Prompt.NeedsNewPassword {
		return "864200"
	}
	return ""
}

// step returns the stored step. Machine.Get would settle what is due.
func (b *Bench) step() int {
	r, err := b.Store.Load(context.Background(), b.ID)
	if err != nil {
		return 0
	}
	return r.Step
}
