package carrierfsm_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// bench is a Machine with an upstream that a test plays itself.
type bench struct {
	*carrierfsm.Machine
	t     *testing.T
	id    string
	store carrierfsm.Store
	up    *player
	cfg   carrierfsm.Config
}

// newBench makes a machine with a created verification. set may change the
// configuration.
func newBench(t *testing.T, set ...func(*carrierfsm.Config)) *bench {
	t.Helper()
	b := &bench{t: t, up: &player{arrivals: make(map[string]int)}}
	b.cfg = carrierfsm.Config{Store: memory.New(), Upstream: b.up}
	for _, f := range set {
		f(&b.cfg)
	}
	b.store = b.cfg.Store
	b.Machine = b.another()
	v, err := b.Create(context.Background(), carrierfsm.NewVerification{ID: "v1"})
	require.NoError(t, err)
	b.id = v.ID
	return b
}

// another is a second replica on the same store and upstream; it closes with
// the test.
func (b *bench) another(set ...func(*carrierfsm.Config)) *carrierfsm.Machine {
	b.t.Helper()
	cfg := b.cfg
	for _, f := range set {
		f(&cfg)
	}
	m, err := carrierfsm.New(cfg)
	require.NoError(b.t, err)
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		_ = m.Close(ctx)
	})
	return m
}

// at brings the verification to a prompt by the codes that upstream answers
// to the password, and to each code after it.
func (b *bench) at(codes ...string) carrierfsm.Verification {
	b.t.Helper()
	v := b.must(b.Submit(context.Background(), b.id, application(0)))
	for i, c := range codes {
		b.up.then(reply(c))
		if i == 0 {
			v = b.must(b.password(v, "246810"))
		} else {
			v = b.must(b.captcha(v, "500000"))
		}
	}
	return v
}

func (b *bench) must(v carrierfsm.Verification, err error) carrierfsm.Verification {
	b.t.Helper()
	require.NoError(b.t, err)
	return v
}

func (b *bench) password(v carrierfsm.Verification, value string) (carrierfsm.Verification, error) {
	return b.Submit(context.Background(), b.id, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret(value)})
}

func (b *bench) captcha(v carrierfsm.Verification, value string) (carrierfsm.Verification, error) {
	return b.Submit(context.Background(), b.id, captchaOf(v, value))
}

func captchaOf(v carrierfsm.Verification, value string) carrierfsm.Captcha {
	return carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret(value)}
}

func (b *bench) get() carrierfsm.Verification {
	b.t.Helper()
	return b.must(b.Get(context.Background(), b.id))
}

// events are the events of the history so far.
func (b *bench) events() (list []carrierfsm.Event) {
	b.t.Helper()
	history, err := b.History(context.Background(), b.id)
	require.NoError(b.t, err)
	for _, t := range history {
		list = append(list, t.Event)
	}
	return list
}

// latest are the last n events.
func (b *bench) latest(n int) []carrierfsm.Event {
	b.t.Helper()
	list := b.events()
	return list[len(list)-n:]
}

// player is an upstream that does what the test says next; with nothing said
// it accepts every application and asks for a code.
type player struct {
	mu       sync.Mutex
	next     []func(context.Context) (carrierfsm.Reply, error)
	requests []carrierfsm.Request
	arrivals map[string]int
}

// then says what the next requests are answered.
func (p *player) then(replies ...carrierfsm.Reply) {
	for _, r := range replies {
		p.thenDo(func(context.Context) (carrierfsm.Reply, error) { return r, nil })
	}
}

func (p *player) thenDo(f func(context.Context) (carrierfsm.Reply, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = append(p.next, f)
}

// thenTake answers a request after it took some time, whatever its context says.
func (p *player) thenTake(d time.Duration, r carrierfsm.Reply) {
	p.thenDo(func(context.Context) (carrierfsm.Reply, error) { pass(d); return r, nil })
}

func (p *player) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{Accepted: true, Token: token, Source: carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true}}, nil
}

func (p *player) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	p.mu.Lock()
	p.requests = append(p.requests, r)
	for _, s := range []carrierfsm.Secret{r.Password, r.QueryPassword, r.Captcha} {
		s.Use(func(value []byte) { p.arrivals[string(value)]++ })
	}
	f := func(context.Context) (carrierfsm.Reply, error) { return reply("10002"), nil }
	if len(p.next) > 0 {
		f, p.next = p.next[0], p.next[1:]
	}
	p.mu.Unlock()
	return f(ctx)
}

// count is how many requests there were beyond the application.
func (p *player) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

func (p *player) arrived(secret string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arrivals[secret]
}

// pass lets synctest's time pass.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // it is fake

// A body as it is stored while a code is waited for, its intent open: written
// and read. encoding/json is what it is measured beside.
func BenchmarkBody(b *testing.B) {
	o := answering(carrierfsm.PromptCaptcha)
	r, err := carrierfsm.Seal(nil, o)
	if err != nil {
		b.Fatal(err)
	}
	var body carrierfsm.Body
	if err := body.Unmarshal(r.Body); err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"write":      func() error { _, err := body.Marshal(); return err },
		"read":       func() error { return new(carrierfsm.Body).Unmarshal(r.Body) },
		"write/json": func() error { _, err := json.Marshal(body); return err },
		"read/json":  func() error { return json.Unmarshal(r.Body, new(carrierfsm.Body)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Handing one transition to a handler, from a store in memory.
func BenchmarkDelivery(b *testing.B) {
	ctx, page := context.Background(), 0
	var m *carrierfsm.Machine
	b.ReportAllocs()
	for b.Loop() {
		if page == 0 {
			b.StopTimer()
			m, page = undelivered(b, 1000), 1000
			b.StartTimer()
			if _, err := m.Deliver(ctx); err != nil {
				b.Fatal(err)
			}
		}
		page--
	}
}

// undelivered is a machine with so many transitions that its handler has not had.
func undelivered(b *testing.B, n int) *carrierfsm.Machine {
	b.Helper()
	ctx := context.Background()
	m, err := carrierfsm.New(carrierfsm.Config{
		Store: memory.New(), Upstream: content{},
		Handlers: map[string]carrierfsm.Handler{"notify": func(context.Context, carrierfsm.Transition) error { return nil }},
	})
	if err != nil {
		b.Fatal(err)
	}
	for range n {
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			_, err = m.Submit(ctx, v.ID, carrierfsm.Cancel{})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return m
}
