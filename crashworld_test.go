package carrierfsm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

const (
	crashID      = "crash"
	crashTimeout = 10 * time.Second
	crashGrace   = time.Second
)

var errCrash = errors.New("the process died")

func isErr(err, target error) bool { return errors.Is(err, target) }

// crashWorld is what outlives a process: the disk, the operator, the person,
// the clock; and the machine of the present life.
type crashWorld struct {
	t        *testing.T
	story    crashStory
	disk     carrierfsm.Store
	operator *operator
	person   *patient
	clock    time.Time
	machine  *carrierfsm.Machine

	crashes      []int // the points at which to die, first to last
	died         int   // how many of them are over
	effects      int   // how many there were, in all lives
	dead         bool
	quiet        bool           // a goroutine of the machine's may have effects: it gets an error in place of a panic
	asked        int            // reports
	cutOff       map[int64]bool // calls that a death left behind, by version
	acknowledged int
}

func newCrashWorld(t *testing.T, story crashStory, crashes []int) *crashWorld {
	t.Helper()
	w := &crashWorld{t: t, story: story, crashes: crashes, disk: memory.New(), cutOff: make(map[int64]bool), clock: time.Unix(1_900_000_000, 0).UTC()}
	w.operator = &operator{story: story, arrivals: make(map[string]int)}
	w.person = &patient{world: w}
	return w
}

// start makes the machine of a new life. Nobody waits in this test, so every
// submission runs in the caller's goroutine and a crash reaches the driver.
func (w *crashWorld) start() {
	if r, err := w.disk.Load(context.Background(), crashID); err == nil && r.InFlight {
		w.cutOff[r.Version] = true
	}
	cfg := carrierfsm.Config{
		Store: mortalStore{w.disk, w}, Upstream: mortalUpstream{w.operator, w},
		CallTimeout: crashTimeout, Grace: crashGrace,
		Limits: carrierfsm.Limits{Passwords: 9, Captchas: 9, QueryPasswords: 9, Applications: 9, Resends: 9, Resets: 9},
		Now:    func() time.Time { return w.clock },
	}
	if len(w.story.reports) > 0 {
		cfg.Reporter = mortalReporter{w}
	}
	m, err := carrierfsm.New(cfg)
	require.NoError(w.t, err)
	w.machine = m
}

// forget is the end of a life: what was in memory is gone.
func (w *crashWorld) forget() {
	over, cancel := context.WithCancel(context.Background())
	cancel() // a dead process waits for nothing
	_ = w.machine.Close(over)
}

func (w *crashWorld) ended() bool {
	r, err := w.disk.Load(context.Background(), crashID)
	if err != nil || !r.State.Terminal() {
		return false
	}
	return len(w.story.reports) == 0 || r.Reason != carrierfsm.CollectionStarted
}

// settle settles what is due. Reports are asked for in goroutines of their own,
// where nobody could recover a panic: the process is dead once Settle returns.
func (w *crashWorld) settle(ctx context.Context) {
	w.quiet = true
	_, err := w.machine.Settle(ctx)
	w.quiet = false
	if w.dead {
		panic(errCrash)
	}
	require.NoError(w.t, err)
}

// effect runs one effect, and dies before or after it if this is the point. A
// dead process has no effects.
func (w *crashWorld) effect(do func()) error {
	k := w.effects
	if err := w.mortal(2 * k); err != nil {
		return err
	}
	w.effects++
	do()
	return w.mortal(2*k + 1)
}

func (w *crashWorld) mortal(point int) error {
	if !w.dead && w.died < len(w.crashes) && w.crashes[w.died] == point {
		w.dead = true
		w.died++
	}
	return w.alive()
}

func (w *crashWorld) alive() error {
	if w.dead && !w.quiet {
		panic(errCrash)
	}
	if w.dead {
		return errCrash
	}
	return nil
}

// either is the first error.
func either(dead, err error) error {
	if dead != nil {
		return dead
	}
	return err
}

// mortalReporter says what the story says.
type mortalReporter struct{ w *crashWorld }

func (r mortalReporter) ReportState(context.Context, carrierfsm.Secret) (state carrierfsm.ReportState, err error) {
	dead := r.w.effect(func() {
		state = r.w.story.reports[min(r.w.asked, len(r.w.story.reports)-1)]
		r.w.asked++
	})
	return state, either(dead, err)
}

// mortalStore and mortalUpstream count their effects.
type mortalStore struct {
	carrierfsm.Store
	w *crashWorld
}

func (s mortalStore) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if err := s.w.alive(); err != nil {
		return carrierfsm.Record{}, err
	}
	return s.Store.Load(ctx, id)
}

func (s mortalStore) Create(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) (err error) {
	dead := s.w.effect(func() { err = s.Store.Create(ctx, r, e...) })
	return either(dead, err)
}

func (s mortalStore) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) (err error) {
	dead := s.w.effect(func() { err = s.Store.Commit(ctx, r, e...) })
	return either(dead, err)
}

func (s mortalStore) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) (err error) {
	dead := s.w.effect(func() { err = s.Store.Erase(ctx, r, e...) })
	return either(dead, err)
}

type mortalUpstream struct {
	carrierfsm.Upstream
	w *crashWorld
}

func (u mortalUpstream) Apply(ctx context.Context, a carrierfsm.Application) (r carrierfsm.Receipt, err error) {
	dead := u.w.effect(func() { r, err = u.Upstream.Apply(ctx, a) })
	return r, either(dead, err)
}

func (u mortalUpstream) Collect(ctx context.Context, req carrierfsm.Request) (r carrierfsm.Reply, err error) {
	dead := u.w.effect(func() { r, err = u.Upstream.Collect(ctx, req) })
	return r, either(dead, err)
}

// operator is an upstream that asks for what the story says, in that order. A
// password is always taken, as a new login at the present source.
type operator struct {
	story     crashStory
	at        int // which of story.asks is awaited
	login     int // where the present source begins
	sms       int // how many codes were texted
	wrong     map[string]int
	requests  int
	passwords int
	renewed   bool           // the weak password was reset
	arrivals  map[string]int // codes
}

func (o *operator) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	o.requests++
	source := carrierfsm.Source{Website: "chinamobilejs", Online: true, ResetMethod: carrierfsm.ResetWithNewPassword}
	return carrierfsm.Receipt{Accepted: true, Token: token, Source: source}, nil
}

func (o *operator) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	o.requests++
	switch r.Input {
	case carrierfsm.InputPassword:
		o.passwords++
		if o.wrongly("password", o.story.wrongPasswords) {
			return reply("10003"), nil
		}
		if o.story.weak && !o.renewed && o.login == 0 {
			return reply("10007"), nil
		}
		o.at = o.login
	case carrierfsm.InputResendCaptcha, carrierfsm.InputRequestReset:
		return o.text("10002"), nil
	case carrierfsm.InputResetCaptcha:
		r.Captcha.Use(func(code []byte) { o.arrivals[string(code)]++ })
		if o.wrongly("reset code", o.story.wrongResetCodes) {
			return o.text("10006"), nil
		}
		o.renewed = true
		return reply("11000"), nil
	case carrierfsm.InputSkipSource:
		for o.at < len(o.story.asks) && o.story.asks[o.at] != "next" {
			o.at++
		}
		return o.next(), nil
	case carrierfsm.InputCaptcha:
		r.Captcha.Use(func(code []byte) { o.arrivals[string(code)]++ })
		if o.wrongly("code", o.story.wrongCodes) {
			return o.text("10006"), nil
		}
	}
	o.at++
	return o.next(), nil
}

func (o *operator) wrongly(what string, times int) bool {
	if o.wrong == nil {
		o.wrong = make(map[string]int)
	}
	o.wrong[what]++
	return o.wrong[what] <= times
}

// next says what is asked now.
func (o *operator) next() carrierfsm.Reply {
	if o.at >= len(o.story.asks) {
		r := reply("10008")
		r.Finish = true
		return r
	}
	switch o.story.asks[o.at] {
	case "query":
		return reply("10022")
	case "own":
		return o.text("10017")
	case "next":
		o.at++
		o.login = o.at
		r := reply("10008")
		r.Next = &carrierfsm.Source{Website: "chinaunicom", Online: true}
		return r
	default:
		if o.at > 0 && o.story.asks[o.at-1] == "captcha" {
			return o.text("10001")
		}
		return o.text("10002")
	}
}

func (o *operator) text(code string) carrierfsm.Reply {
	o.sms++
	return reply(code)
}

func reply(code string) carrierfsm.Reply {
	return carrierfsm.Reply{Success: true, Code: carrierfsm.ProcessCode(code), Type: "CONTROL"}
}

const token = "00000000000000000000000000000001"

// patient is a person who answers whatever is asked, and never types a code twice.
type patient struct {
	world     *crashWorld
	passwords int // typed
	resent    int
	used      int // the latest text whose code was typed
	skipped   bool
}

func (p *patient) answer(v carrierfsm.Verification) carrierfsm.Input {
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
	case v.Prompt.Resend != nil && (p.resent < s.resends || p.used == p.world.operator.sms):
		p.resent++
		return carrierfsm.ResendCaptcha{Step: v.Step}
	case v.Prompt.Kind == carrierfsm.PromptResetCaptcha:
		return carrierfsm.ResetCaptcha{Step: v.Step, Code: p.captcha(v).Code, NewPassword: carrierfsm.NewSecret("864200")}
	}
	return p.captcha(v)
}

// captcha types the code of the latest text; where another can't be asked
// for, the person's own message brings a new one.
func (p *patient) captcha(v carrierfsm.Verification) carrierfsm.Captcha {
	if p.used == p.world.operator.sms {
		p.world.operator.sms++
	}
	p.used = p.world.operator.sms
	return carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(fmt.Sprintf("%06d", 500000+p.used))}
}

// withPassword types the password once more, beside the code.
func (p *patient) withPassword(v carrierfsm.Verification) carrierfsm.Input {
	p.used-- // the refused code was not sent
	c := p.captcha(v)
	c.Password = carrierfsm.NewSecret("246810")
	return c
}

// repeat is the same answer once more, by a second click.
func (p *patient) repeat(v carrierfsm.Verification) carrierfsm.Input {
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

func application(step int) carrierfsm.Apply {
	return carrierfsm.Apply{
		Step:    step,
		Form:    carrierfsm.Form{Name: "测试用户", IDCard: "11010119900307867X", Phone: "13800138000"},
		Consent: carrierfsm.Consent{Policy: "test-1", At: time.Unix(1_900_000_000, 0), Channel: "test"},
	}
}
