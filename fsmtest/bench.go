package fsmtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Bench is a Machine to test against: a store in memory, a scripted upstream,
// a clock that stands still, and one created verification. Its methods answer
// the present prompt, whatever its step.
type Bench struct {
	// Machine is the machine under test; Restart replaces it.
	Machine *carrierfsm.Machine
	// Upstream is the scripted upstream.
	Upstream *Upstream
	// Store is what the machine keeps its records in.
	Store carrierfsm.Store
	// Clock is the machine's clock.
	Clock *Clock
	// ID names the verification.
	ID string

	tb  testing.TB
	cfg carrierfsm.Config
}

// New makes a Bench whose upstream answers thus. The test fails at its end if
// the script was too short, and its machines are closed.
func New(tb testing.TB, answers ...Answer) *Bench {
	tb.Helper()
	return NewWith(tb, carrierfsm.Config{}, answers...)
}

// NewWith is New with a configuration. Its Store and Now may be set; its
// Upstream is replaced.
func NewWith(tb testing.TB, cfg carrierfsm.Config, answers ...Answer) *Bench {
	tb.Helper()
	b := &Bench{tb: tb, Upstream: NewUpstream(answers...), Clock: NewClock()}
	if cfg.Store == nil {
		cfg.Store = memory.New()
	}
	if cfg.Now == nil {
		cfg.Now = b.Clock.Now
	}
	cfg.Upstream = b.Upstream
	b.Store, b.cfg = cfg.Store, cfg
	b.Restart()
	v, err := b.Machine.Create(context.Background(), carrierfsm.NewVerification{ID: "v1"})
	if err != nil {
		tb.Fatalf("fsmtest: %v", err)
	}
	b.ID = v.ID
	tb.Cleanup(func() {
		if n := b.Upstream.Overrun(); n > 0 {
			tb.Errorf("fsmtest: upstream's script was %d calls too short", n)
		}
	})
	return b
}

// Restart replaces the machine by a fresh one on the same store, as if the
// process had been killed: what was in memory is gone. Calls of the old
// machine go on; to the new one they are somebody else's.
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
			b.tb.Errorf("fsmtest: a call is still under way at the end of the test: %v", err)
		}
	})
}

// Form is an invented person's form.
func Form() carrierfsm.Form {
	return carrierfsm.Form{Name: "测试用户", IDCard: "11010119900307867X", Phone: "13800138000"}
}

// Consent is an invented consent.
func Consent() carrierfsm.Consent {
	return carrierfsm.Consent{Policy: "test-1", At: start, Channel: "test"}
}

// Apply hands in the invented form.
func (b *Bench) Apply() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.Apply{Step: b.step(), Form: Form(), Consent: Consent()})
}

// Password answers with a service password.
func (b *Bench) Password(value string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.Password{Step: b.step(), Password: carrierfsm.NewSecret(value)})
}

// QueryPassword answers with a query password.
func (b *Bench) QueryPassword(value string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.QueryPassword{Step: b.step(), Password: carrierfsm.NewSecret(value)})
}

// Captcha answers with a code.
func (b *Bench) Captcha(value string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.Captcha{Step: b.step(), Code: carrierfsm.NewSecret(value)})
}

// RequestReset asks for a reset of the password.
func (b *Bench) RequestReset() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.RequestReset{Step: b.step()})
}

// ResetCaptcha answers with the code of a reset, and with a new password where
// that is not empty.
func (b *Bench) ResetCaptcha(code, newPassword string) (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.ResetCaptcha{
		Step: b.step(), Code: carrierfsm.NewSecret(code), NewPassword: carrierfsm.NewSecret(newPassword),
	})
}

// SkipSource leaves the present source out.
func (b *Bench) SkipSource() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.SkipSource{Step: b.step()})
}

// Resend asks for another code.
func (b *Bench) Resend() (carrierfsm.Verification, error) {
	return b.Submit(carrierfsm.ResendCaptcha{Step: b.step()})
}

// Cancel cancels.
func (b *Bench) Cancel() (carrierfsm.Verification, error) { return b.Submit(carrierfsm.Cancel{}) }

// Submit submits any input.
func (b *Bench) Submit(in carrierfsm.Input) (carrierfsm.Verification, error) {
	return b.Machine.Submit(context.Background(), b.ID, in)
}

// Get is the verification as it stands.
func (b *Bench) Get() carrierfsm.Verification {
	b.tb.Helper()
	v, err := b.Machine.Get(context.Background(), b.ID)
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return v
}

// History is its transitions.
func (b *Bench) History() []carrierfsm.Transition {
	b.tb.Helper()
	list, err := b.Machine.History(context.Background(), b.ID)
	if err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return list
}

// Settle settles what is due and returns the verification after it.
func (b *Bench) Settle() carrierfsm.Verification {
	b.tb.Helper()
	if _, err := b.Machine.Settle(context.Background()); err != nil {
		b.tb.Fatalf("fsmtest: %v", err)
	}
	return b.Get()
}

// step is that of the present prompt, as the store has it: asking the machine
// would settle what is due.
func (b *Bench) step() int {
	r, err := b.Store.Load(context.Background(), b.ID)
	if err != nil {
		return 0
	}
	return r.Step
}

// Clock is a clock that a test moves. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

var start = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// NewClock returns a clock at noon of a day in 2030, UTC.
func NewClock() *Clock { return &Clock{now: start} }

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// String is the time since the clock's beginning.
func (c *Clock) String() string { return fmt.Sprint(c.Now().Sub(start)) }
