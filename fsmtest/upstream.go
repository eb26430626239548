package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

var (
	_ carrierfsm.Upstream = (*Upstream)(nil)
	_ carrierfsm.Upstream = Instant{}
)

// Upstream is a scripted upstream: it gives the scripted answers in their order
// and records which calls arrived. An application takes the next answer only if
// that is one to an application or a fault; else it is accepted at chinamobilejs.
//
// A call that finds the script at its end gets the answer of Otherwise. Without
// one it fails with an error that matches carrierfsm.ErrNotSent, and Unscripted
// names it. An Upstream is safe for concurrent use.
type Upstream struct {
	mu         sync.Mutex
	script     []Answer
	otherwise  Answer
	calls      []Call
	arrivals   map[string]int
	taken      int      // how many calls have taken an answer, or found none
	unscripted []string // the calls that found none
}

// NewUpstream returns an Upstream with these answers scripted.
func NewUpstream(answers ...Answer) *Upstream {
	return &Upstream{script: answers, arrivals: make(map[string]int)}
}

// Then adds answers to the end of the script.
func (u *Upstream) Then(answers ...Answer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script = append(u.script, answers...)
}

// Otherwise sets the answer to every call, other than an application, that finds
// the script at its end.
func (u *Upstream) Otherwise(a Answer) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.otherwise = a
}

// Call is one call that arrived. It holds no secrets.
type Call struct {
	// Input is the kind of input that was relayed; InputApply for an application.
	Input carrierfsm.InputKind
	// Website is the request's; empty for an application.
	Website string
	// Password, QueryPassword, Captcha and NewPassword report which secrets the
	// request had.
	Password, QueryPassword, Captcha, NewPassword bool
}

// Calls returns a copy of the calls that have arrived, oldest first.
func (u *Upstream) Calls() []Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]Call(nil), u.calls...)
}

// Arrivals returns how many times this value has arrived as a password of any
// kind or as a code.
func (u *Upstream) Arrivals(secret string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.arrivals[secret]
}

// Unscripted returns the calls that found no answer in the script and had none from
// Otherwise, each as a text: "call 3, captcha at chinamobilejs".
func (u *Upstream) Unscripted() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.unscripted)
}

// Left returns how many answers of the script no call has taken.
func (u *Upstream) Left() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.script)
}

// Check returns an error unless the calls have taken exactly the answers of the
// script. A Bench checks its upstream at the end of the test.
func (u *Upstream) Check() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var errs []error
	for _, call := range u.unscripted {
		errs = append(errs, fmt.Errorf("fsmtest: the upstream's script is too short: no answer for %s", call))
	}
	if n := len(u.script); n > 0 {
		errs = append(errs, fmt.Errorf("fsmtest: answers of the upstream's script are left over: %d after %d calls", n, u.taken))
	}
	return errors.Join(errs...)
}

// reset empties the script and forgets what was missing in it.
func (u *Upstream) reset() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script, u.unscripted = nil, nil
}

// Format prints how many calls arrived and how many answers are left, whatever
// the verb.
func (u *Upstream) Format(f fmt.State, _ rune) {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, _ = fmt.Fprintf(f, "Upstream calls=%d script=%d", len(u.calls), len(u.script))
}

// Apply implements carrierfsm.Upstream.
func (u *Upstream) Apply(ctx context.Context, _ carrierfsm.Application) (carrierfsm.Receipt, error) {
	receipt, _, err := u.take(carrierfsm.InputApply, "").give(ctx, carrierfsm.Request{}, func() {
		u.arrive(Call{Input: carrierfsm.InputApply}, nil)
	})
	return receipt, err
}

// Collect implements carrierfsm.Upstream.
func (u *Upstream) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	_, reply, err := u.take(r.Input, r.Website).give(ctx, r, func() {
		u.arrive(Call{
			Input: r.Input, Website: r.Website,
			Password: !r.Password.Empty(), QueryPassword: !r.QueryPassword.Empty(),
			Captcha: !r.Captcha.Empty(), NewPassword: !r.NewPassword.Empty(),
		}, []carrierfsm.Secret{r.Password, r.QueryPassword, r.Captcha, r.NewPassword})
	})
	return reply, err
}

// take removes the next answer from the script.
func (u *Upstream) take(kind carrierfsm.InputKind, website string) Answer {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.taken++
	apply := kind == carrierfsm.InputApply
	if len(u.script) > 0 && u.script[0].fits(apply) {
		a := u.script[0]
		u.script = u.script[1:]
		return a
	}
	switch {
	case apply:
		return Accept("chinamobilejs")
	case u.otherwise.scripted:
		return u.otherwise
	}
	call := fmt.Sprintf("call %d, %s at %s", u.taken, kind, website)
	if len(u.script) > 0 {
		call += ": the next answer is one to an application"
	}
	u.unscripted = append(u.unscripted, call)
	return Answer{err: fmt.Errorf("fsmtest: no answer for %s: %w", call, carrierfsm.ErrNotSent), notSent: true}
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

// Instant is an upstream without a script, for benchmarks: it accepts every
// application at chinamobilejs, asks for a code after each password and starts
// the collection after any other input. It answers at once, records nothing and
// is safe for concurrent use.
type Instant struct{}

// Apply implements carrierfsm.Upstream.
func (Instant) Apply(context.Context, carrierfsm.Application) (carrierfsm.Receipt, error) {
	return carrierfsm.Receipt{
		Accepted: true, Token: carrierfsm.NewSecret(Token),
		Source: carrierfsm.Source{Website: "chinamobilejs", Name: "江苏移动", Online: true},
	}, nil
}

// Collect implements carrierfsm.Upstream.
func (Instant) Collect(_ context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	if r.Input == carrierfsm.InputPassword {
		return carrierfsm.Reply{Success: true, Code: "10002", Type: "CONTROL", Content: carrierfsm.NewSecret("输入动态密码")}, nil
	}
	return carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL", Content: carrierfsm.NewSecret("开始采集行为数据"), Finish: true}, nil
}
