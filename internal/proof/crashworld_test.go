package proof_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

const (
	crashID      = "crash"
	crashTimeout = 10 * time.Second
	crashGrace   = time.Second
)

var errCrash = errors.New("the process has died")

// crashWorld is what outlives a process (the disk, the carrier, the person), and
// the machine of the present life. A process that has died has no effects: its
// store and its upstream return errCrash.
type crashWorld struct {
	t       *testing.T
	story   crashStory
	disk    carrierfsm.Store
	carrier *carrier
	person  *person
	machine *carrierfsm.Machine

	crashes      []int          // the points of the crashes, in order
	cutOff       map[int64]bool // calls that a crash cut off, by version
	acknowledged int            // the last step that the host was told

	mu      sync.Mutex // reports are asked for in goroutines of the machine's
	died    int        // how many of the crashes are over
	effects int        // in all lives
	asked   int        // reports
	dead    bool
}

func newCrashWorld(t *testing.T, story crashStory, crashes []int) *crashWorld {
	t.Helper()
	w := &crashWorld{t: t, story: story, crashes: crashes, disk: memory.New(), cutOff: make(map[int64]bool)}
	w.carrier = &carrier{story: story, arrivals: make(map[string]int), wrong: make(map[string]int)}
	w.person = &person{world: w}
	return w
}

// start starts the machine of a new life.
func (w *crashWorld) start() {
	if r, err := w.disk.Load(context.Background(), crashID); err == nil && r.InFlight {
		w.cutOff[r.Version] = true
	}
	cfg := carrierfsm.Config{
		Numbers: budget.None(),
		Store:   crashingStore{w.disk, w}, Upstream: crashingUpstream{w.carrier, w},
		CallTimeout: crashTimeout, Grace: crashGrace,
		Limits: carrierfsm.Limits{Passwords: 9, Captchas: 9, QueryPasswords: 9, Applications: 9, Resends: 9, Resets: 9},
	}
	if len(w.story.reports) > 0 {
		cfg.Reporter = crashingReporter{w}
	}
	m, err := carrierfsm.New(cfg)
	require.NoError(w.t, err)
	w.machine = m
}

// stop is the end of a life: what was in memory is lost. The next life starts when
// the call of this one is overdue.
func (w *crashWorld) stop() {
	require.NoError(w.t, w.machine.Close(context.Background()))
	pass(crashTimeout + crashGrace + 1)
	w.dead = false
}

// survived reports whether the process is alive. If it is, err must be nil.
func (w *crashWorld) survived(err error) bool {
	if w.dead {
		return false
	}
	require.NoError(w.t, err)
	return true
}

func (w *crashWorld) ended() bool {
	r, err := w.disk.Load(context.Background(), crashID)
	if err != nil || !r.State.Terminal() {
		return false
	}
	return len(w.story.reports) == 0 || r.Reason != carrierfsm.CollectionStarted
}

// settle settles what is due, and reports whether the process is alive.
func (w *crashWorld) settle(ctx context.Context) bool {
	_, err := w.machine.Settle(ctx)
	return w.survived(err)
}

// effect runs one effect. The process dies before or after it if that is the
// point of the next crash.
func (w *crashWorld) effect(do func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.effects
	if err := w.crash(2 * k); err != nil {
		return err
	}
	w.effects++
	do()
	return w.crash(2*k + 1)
}

func (w *crashWorld) crash(point int) error {
	if !w.dead && w.died < len(w.crashes) && w.crashes[w.died] == point {
		w.dead = true
		w.died++
	}
	return w.alive()
}

func (w *crashWorld) alive() error {
	if w.dead {
		return errCrash
	}
	return nil
}

// either returns the first error.
func either(crashed, err error) error {
	if crashed != nil {
		return crashed
	}
	return err
}

// crashingReporter gives the answers of the story.
type crashingReporter struct{ w *crashWorld }

func (r crashingReporter) ReportState(context.Context, carrierfsm.Secret) (state carrierfsm.ReportState, err error) {
	crashed := r.w.effect(func() {
		state = r.w.story.reports[min(r.w.asked, len(r.w.story.reports)-1)]
		r.w.asked++
	})
	return state, either(crashed, err)
}

// crashingStore and crashingUpstream count their effects.
type crashingStore struct {
	carrierfsm.Store
	w *crashWorld
}

func (s crashingStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	s.w.mu.Lock()
	err := s.w.alive()
	s.w.mu.Unlock()
	if err != nil {
		return carrierfsm.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s crashingStore) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) (err error) {
	crashed := s.w.effect(func() { err = s.Store.Create(ctx, r, e...) })
	return either(crashed, err)
}

func (s crashingStore) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) (err error) {
	crashed := s.w.effect(func() { err = s.Store.Commit(ctx, r, e...) })
	return either(crashed, err)
}

func (s crashingStore) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) (err error) {
	crashed := s.w.effect(func() { err = s.Store.Erase(ctx, r, e...) })
	return either(crashed, err)
}

type crashingUpstream struct {
	carrierfsm.Upstream
	w *crashWorld
}

func (u crashingUpstream) Apply(ctx context.Context, a carrierfsm.Application) (r carrierfsm.Receipt, err error) {
	crashed := u.w.effect(func() { r, err = u.Upstream.Apply(ctx, a) })
	return r, either(crashed, err)
}

func (u crashingUpstream) Collect(ctx context.Context, req carrierfsm.Request) (r carrierfsm.Reply, err error) {
	crashed := u.w.effect(func() { r, err = u.Upstream.Collect(ctx, req) })
	return r, either(crashed, err)
}

// carrier is an upstream that asks for the prompts of the story, in their order. A
// password is always accepted, as a new login at the present source.
type carrier struct {
	story     crashStory
	at        int            // the index of the present prompt
	login     int            // the index of the first prompt of the present source
	sms       int            // how many codes were texted
	wrong     map[string]int // how often an answer of a kind was given
	requests  int
	passwords int
	renewed   bool           // the weak password was reset
	arrivals  map[string]int // of codes
}

func (c *carrier) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	c.requests++
	source := carrierfsm.Source{Website: "chinamobilejs", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}
	return carrierfsm.Receipt{Accepted: true, Token: carrierfsm.NewSecret(fsmtest.Token), Source: source}, nil
}

func (c *carrier) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	c.requests++
	switch r.Input {
	case carrierfsm.InputPassword:
		c.passwords++
		if c.rejects("password", c.story.wrongPasswords) {
			return reply("10003"), nil
		}
		if c.story.weak && !c.renewed && c.login == 0 {
			return reply("10007"), nil
		}
		c.at = c.login
	case carrierfsm.InputResendCaptcha, carrierfsm.InputRequestReset:
		return c.text("10002"), nil
	case carrierfsm.InputResetCaptcha:
		r.Captcha.Use(func(code []byte) { c.arrivals[string(code)]++ })
		if c.rejects("reset code", c.story.wrongResetCodes) {
			return c.text("10006"), nil
		}
		c.renewed = true
		return reply("11000"), nil
	case carrierfsm.InputSkipSource:
		for c.at < len(c.story.prompts) && c.story.prompts[c.at] != "next" {
			c.at++
		}
		return c.next(), nil
	case carrierfsm.InputCaptcha:
		r.Captcha.Use(func(code []byte) { c.arrivals[string(code)]++ })
		if c.rejects("code", c.story.wrongCodes) {
			return c.text("10006"), nil
		}
	}
	c.at++
	return c.next(), nil
}

func (c *carrier) rejects(what string, times int) bool {
	c.wrong[what]++
	return c.wrong[what] <= times
}

// next asks for the present prompt.
func (c *carrier) next() carrierfsm.Reply {
	if c.at >= len(c.story.prompts) {
		r := reply("10008")
		r.Finish = true
		return r
	}
	switch c.story.prompts[c.at] {
	case "query":
		return reply("10022")
	case "own":
		return c.text("10017")
	case "next":
		c.at++
		c.login = c.at
		r := reply("10008")
		r.Next = &carrierfsm.Source{Website: "chinaunicom", Online: true}
		return r
	default:
		if c.at > 0 && c.story.prompts[c.at-1] == "captcha" {
			return c.text("10001")
		}
		return c.text("10002")
	}
}

func (c *carrier) text(code string) carrierfsm.Reply {
	c.sms++
	return reply(code)
}

func reply(code string) carrierfsm.Reply {
	return carrierfsm.Reply{Success: true, Code: carrierfsm.ProcessCode(code), Type: "CONTROL"}
}

// person answers every prompt, and never submits a code twice.
type person struct {
	world     *crashWorld
	passwords int // how many were submitted
	resent    int
	used      int // the text whose code was submitted last
	skipped   bool
}

func (p *person) answer(v carrierfsm.Verification) carrierfsm.Input {
	s := p.world.story
	switch {
	case s.cancelAt > 0 && v.Step >= s.cancelAt:
		return carrierfsm.Cancel{}
	case v.Prompt.Kind == carrierfsm.PromptApplication:
		return application(v.Step)
	case s.skipAt > 0 && v.Step >= s.skipAt && !p.skipped:
		p.skipped = true
		return carrierfsm.SkipSource{Step: v.Step}
	case v.Prompt.Reset && v.Reason == carrierfsm.ResetRequired:
		return carrierfsm.RequestReset{Step: v.Step}
	case v.Prompt.Kind == carrierfsm.PromptPassword:
		p.passwords++
		return carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")}
	case v.Prompt.Kind == carrierfsm.PromptQueryPassword:
		return carrierfsm.QueryPassword{Step: v.Step, Password: carrierfsm.NewSecret("135790")}
	case v.Prompt.Resend != nil && (p.resent < s.resends || p.used == p.world.carrier.sms):
		p.resent++
		return carrierfsm.ResendCaptcha{Step: v.Step}
	case v.Prompt.Kind == carrierfsm.PromptResetCaptcha:
		return carrierfsm.ResetCaptcha{Step: v.Step, Code: p.captcha(v).Code, NewPassword: carrierfsm.NewSecret("864200")}
	}
	return p.captcha(v)
}

// captcha submits the code of the latest text. If that was submitted, the person
// texts for another one.
func (p *person) captcha(v carrierfsm.Verification) carrierfsm.Captcha {
	if p.used == p.world.carrier.sms {
		p.world.carrier.sms++
	}
	p.used = p.world.carrier.sms
	return carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(fmt.Sprintf("%06d", 500000+p.used))}
}

// withPassword submits the code that was just refused, with the password.
func (p *person) withPassword(v carrierfsm.Verification) carrierfsm.Input {
	p.used-- // the refused code was not sent
	c := p.captcha(v)
	c.Password = carrierfsm.NewSecret("246810")
	return c
}

// repeat is an answer to the same prompt, by a second click.
func (p *person) repeat(v carrierfsm.Verification) carrierfsm.Input {
	switch v.Prompt.Kind {
	case carrierfsm.PromptApplication:
		return application(v.Step)
	case carrierfsm.PromptPassword:
		return carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")}
	case carrierfsm.PromptQueryPassword:
		return carrierfsm.QueryPassword{Step: v.Step, Password: carrierfsm.NewSecret("135790")}
	default:
		return carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("999999")}
	}
}
