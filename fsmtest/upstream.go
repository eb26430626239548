package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Upstream = (*Upstream)(nil)

// Upstream is a scripted upstream: it answers what the test says, in that
// order, and notes what arrived. It is safe for concurrent use.
//
// When the script has run out it answers every call as not sent, and Overrun
// tells how often.
type Upstream struct {
	mu       sync.Mutex
	script   []Answer
	calls    []Call
	arrivals map[string]int
	overrun  int
}

// NewUpstream returns an upstream that answers thus.
func NewUpstream(answers ...Answer) *Upstream {
	return &Upstream{script: answers, arrivals: make(map[string]int)}
}

// Then adds answers to the end of the script.
func (u *Upstream) Then(answers ...Answer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script = append(u.script, answers...)
}

// Call is one call that arrived, without its secrets.
type Call struct {
	// Input is what was relayed; InputApply for an application.
	Input carrierfsm.InputKind
	// Website is the request's; empty for an application.
	Website string
	// Password, QueryPassword, Captcha and NewPassword tell whether they came
	// with it.
	Password, QueryPassword, Captcha, NewPassword bool
}

// Calls are the calls that arrived so far.
func (u *Upstream) Calls() []Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]Call(nil), u.calls...)
}

// Arrivals is how many calls carried this value as a password of any
// kind or a code.
func (u *Upstream) Arrivals(secret string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.arrivals[secret]
}

// Overrun is how many calls found the script at its end.
func (u *Upstream) Overrun() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.overrun
}

// Format prints how much of the script is left.
func (u *Upstream) Format(f fmt.State, _ rune) {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, _ = fmt.Fprintf(f, "Upstream calls=%d script=%d", len(u.calls), len(u.script))
}

// Apply is carrierfsm.Upstream's.
func (u *Upstream) Apply(ctx context.Context, _ carrierfsm.Application) (carrierfsm.Receipt, error) {
	out, err := u.take(carrierfsm.InputApply).play(ctx, u, Call{Input: carrierfsm.InputApply}, nil)
	return out.receipt, err
}

// Collect is carrierfsm.Upstream's.
func (u *Upstream) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	secrets := []carrierfsm.Secret{r.Password, r.QueryPassword, r.Captcha, r.NewPassword}
	call := Call{
		Input: r.Input, Website: r.Website,
		Password: !secrets[0].Empty(), QueryPassword: !secrets[1].Empty(), Captcha: !secrets[2].Empty(), NewPassword: !secrets[3].Empty(),
	}
	out, err := u.take(r.Input).play(ctx, u, call, secrets)
	return out.reply, err
}

// take takes the next answer. An application is accepted where the script
// says something that is no answer to one.
func (u *Upstream) take(kind carrierfsm.InputKind) Answer {
	u.mu.Lock()
	defer u.mu.Unlock()
	apply := kind == carrierfsm.InputApply
	if len(u.script) > 0 && u.script[0].fits(apply) {
		a := u.script[0]
		u.script = u.script[1:]
		return a
	}
	if apply {
		return Accept("chinamobilejs")
	}
	u.overrun++
	return Answer{err: fmt.Errorf("fsmtest: the script has run out: %w", carrierfsm.ErrNotSent), unsent: true}
}

func (u *Upstream) arrive(c Call, secrets []carrierfsm.Secret) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls = append(u.calls, c)
	for _, s := range secrets {
		s.Use(func(value []byte) {
			if len(value) > 0 {
				u.arrivals[string(value)]++
			}
		})
	}
}

// errLost is what a call returns whose reply was lost.
var errLost = errors.New("fsmtest: the reply was lost")
