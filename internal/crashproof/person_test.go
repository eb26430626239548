package crashproof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// person makes one verification after the other: answers, clicks twice, stops waiting,
// comes back, answers old prompts, leaves.
type person struct {
	world  *world
	n      int // the person's number
	random *rand.Rand
	clock  func() time.Time

	// Of the present verification.
	*subject
	runs            int
	nonces          int
	carry           string
	newPasswordSent bool           // a new password was submitted
	reset           bool           // and is believed to be the right one
	usedCodes       map[string]int // codes that were submitted, and at which step
	latest          *request       // the last answer
}

var websites = []string{
	"chinamobilejs", "chinamobilejs", "chinaunicom", "chinamobilebj", "chinamobilesc",
	"chinatelecomjl", "chinamobilezj", "chinamobileah", "chinamobilesh",
}

// clientTimeout is how long a person waits for a response at most.
const clientTimeout = 700 * time.Millisecond

// patience is how long a person tries to reach a verification while one shard is away. Then
// the person leaves and begins another one. Otherwise all people would soon wait for that
// shard, and none would use the others.
const patience = time.Second

// live makes verifications until the chaos is over.
func (p *person) live(ctx context.Context) {
	for ctx.Err() == nil && !p.world.quiet() {
		p.verify(ctx)
	}
}

// verify is one verification, until its end or until the person leaves.
func (p *person) verify(ctx context.Context) {
	p.runs++
	phone := sharedPhone(p.n, p.runs)
	id, key := p.world.place(fmt.Sprintf("%s-%02d-%04d", p.world.name, p.n, p.runs), phone)
	p.carry, p.newPasswordSent, p.reset, p.usedCodes, p.latest = "", false, false, make(map[string]int), nil
	p.subject = p.world.proxy.admit(id, phone, websites[p.random.IntN(len(websites))])
	p.world.begun(p.subject)
	v := p.begin(ctx, key)
	if v == nil {
		v = p.create(ctx, key)
	}
	for v != nil && !v.State.Terminal() && ctx.Err() == nil && !p.world.overdue() {
		if p.random.IntN(p.world.stayers()) == 0 {
			return // leaves; a timer will end it
		}
		p.rest(ctx, between(p.random, 0, 12*time.Millisecond))
		v = p.step(ctx, v)
	}
}

// begin hands in the form of every second verification before that is created. It returns
// nil where it was refused, or is not to be done.
func (p *person) begin(ctx context.Context, key string) *view {
	if p.random.IntN(2) == 0 {
		return nil
	}
	a := request{
		Op: opSubmit, ID: p.id, Key: key, Begins: true, Input: string(carrierfsm.InputApply),
		Phone: p.phone, Address: p.tag(p.id, 0),
	}
	for began := time.Now(); p.patient(ctx, began); {
		wait := clientTimeout
		if p.random.IntN(10) == 0 {
			wait = between(p.random, time.Millisecond, 60*time.Millisecond)
		}
		switch t := p.send(ctx, a, wait); t.Result {
		case resultOK:
			return t.View
		case resultExists, resultPending:
			return p.poll(ctx)
		case resultLost, resultStore:
			p.rest(ctx, between(p.random, time.Millisecond, 20*time.Millisecond))
		default:
			return nil
		}
	}
	return nil
}

// patient reports whether a person who began to try at a time goes on.
func (p *person) patient(ctx context.Context, began time.Time) bool {
	return ctx.Err() == nil && !p.world.overdue() && (!p.world.away.Load() || time.Since(began) < patience)
}

func (p *person) create(ctx context.Context, key string) *view {
	for began := time.Now(); p.patient(ctx, began); {
		t := p.send(ctx, request{Op: opCreate, ID: p.id, Key: key}, clientTimeout)
		if t.Result == resultOK {
			return t.View
		}
		if t.Result == resultExists {
			return p.poll(ctx)
		}
		p.rest(ctx, between(p.random, time.Millisecond, 20*time.Millisecond))
	}
	return nil
}

// poll reads the verification until there is a response, or the person's patience ends.
func (p *person) poll(ctx context.Context) *view {
	for began := time.Now(); p.patient(ctx, began); {
		if t := p.send(ctx, request{Op: opGet, ID: p.id}, clientTimeout); t.Result == resultOK {
			return t.View
		} else if t.Result == "not found" {
			return nil // it was lost; the judge reports that
		}
		p.rest(ctx, between(p.random, time.Millisecond, 20*time.Millisecond))
	}
	return nil
}

// step does one thing at a prompt, and returns the verification after it.
func (p *person) step(ctx context.Context, v *view) *view {
	if v.Carry != "" {
		p.carry = v.Carry
	}
	if v.InFlight {
		p.rest(ctx, between(p.random, 5*time.Millisecond, 40*time.Millisecond))
		return p.poll(ctx)
	}
	switch luck := p.random.IntN(100); {
	case luck < 1:
		p.send(ctx, request{Op: opSubmit, ID: p.id, Input: string(carrierfsm.InputCancel)}, clientTimeout)
		return p.poll(ctx)
	case luck < 4 && p.latest != nil:
		p.send(ctx, *p.latest, clientTimeout) // from an old page of the browser
		return p.poll(ctx)
	case luck < 6 && v.Kind != carrierfsm.PromptApplication:
		p.until(ctx, v.Deadline.Add(between(p.random, -4*time.Millisecond, 4*time.Millisecond))) // at the last moment
	case luck < 7 && v.Kind != carrierfsm.PromptApplication:
		return p.submit(ctx, request{Op: opSubmit, ID: p.id, Step: v.Step, Input: string(carrierfsm.InputSkipSource)})
	case luck < 9:
		p.rest(ctx, between(p.random, 100*time.Millisecond, 400*time.Millisecond))
	}
	a, ok := p.answer(v)
	if !ok {
		if v.ResendAt.After(p.clock().Add(limits.Life)) { // no text is left for the number today
			p.send(ctx, request{Op: opSubmit, ID: p.id, Input: string(carrierfsm.InputCancel)}, clientTimeout)
			return p.poll(ctx)
		}
		p.until(ctx, v.ResendAt)
		p.rest(ctx, 10*time.Millisecond)
		return p.poll(ctx)
	}
	return p.submit(ctx, a)
}

// submit submits once or twice, with a long or a short timeout.
func (p *person) submit(ctx context.Context, a request) *view {
	p.latest = &a
	wait := clientTimeout
	if p.random.IntN(10) == 0 {
		wait = between(p.random, time.Millisecond, 60*time.Millisecond)
	}
	var twice sync.WaitGroup
	if p.random.IntN(4) == 0 {
		pause, where := between(p.random, 0, 3*time.Millisecond), p.random.IntN(1000)
		twice.Go(func() {
			p.rest(ctx, pause)
			p.world.send(ctx, p.n, where, a, clientTimeout)
		})
	}
	t := p.send(ctx, a, wait)
	twice.Wait()
	switch {
	case t.Result == resultOK:
		return t.View
	case t.Result == resultPasswordNeeded:
		if a.Input == string(carrierfsm.InputCaptcha) && a.Password == "" {
			a.Password = p.tag(rightPassword, a.Step)
			return p.submit(ctx, a)
		}
	case t.Result == resultTooMany && p.random.IntN(2) == 0: // the number's budget, most likely
		p.send(ctx, request{Op: opSubmit, ID: p.id, Input: string(carrierfsm.InputCancel)}, clientTimeout)
	case t.Result == resultLost && p.random.IntN(2) == 0:
		p.send(ctx, a, clientTimeout) // the same again, to another replica
	}
	return p.poll(ctx)
}

// answer is the answer to a prompt. It is not ok while the person must wait to request
// another code.
func (p *person) answer(v *view) (a request, ok bool) {
	a = request{Op: opSubmit, ID: p.id, Step: v.Step}
	wrong := p.random.IntN(10) == 0
	switch v.Kind {
	case carrierfsm.PromptApplication:
		a.Input, a.Phone, a.Address = string(carrierfsm.InputApply), p.phone, p.tag(p.id, v.Step)
	case carrierfsm.PromptPassword:
		if v.Reset && (v.Reason == carrierfsm.ResetRequired || p.random.IntN(8) == 0) {
			a.Input = string(carrierfsm.InputRequestReset)
			return a, true
		}
		a.Input, a.Secret = string(carrierfsm.InputPassword), p.tag(p.password(v, wrong), v.Step)
	case carrierfsm.PromptQueryPassword:
		a.Input, a.Secret, a.Carry = string(carrierfsm.InputQueryPassword), p.tag(pick(wrong, wrongSecret, rightQuery), v.Step), p.carry
	default:
		return p.code(v, wrong)
	}
	return a, true
}

func (p *person) password(v *view, wrong bool) string {
	if p.newPasswordSent && v.Reason == carrierfsm.PasswordRejected && p.random.IntN(2) == 0 {
		p.reset = !p.reset // its outcome may be unknown
	}
	p.reset = p.reset || v.Reason == carrierfsm.PasswordReset
	switch {
	case wrong:
		return wrongSecret
	case p.reset:
		return newPassword
	case v.Reason == carrierfsm.PasswordRequested && v.Step > 2:
		return nextPassword // of the second source
	default:
		return rightPassword
	}
}

// code submits the latest code, once. If that was not sent, it is submitted again;
// otherwise another one is requested.
func (p *person) code(v *view, wrong bool) (a request, ok bool) {
	a = request{Op: opSubmit, ID: p.id, Step: v.Step, Input: string(carrierfsm.InputCaptcha), Carry: p.carry}
	switch v.Kind {
	case carrierfsm.PromptOwnSMS:
		p.sim.TextCXXD(p.phone)
	case carrierfsm.PromptResetCaptcha:
		a.Input, a.Carry = string(carrierfsm.InputResetCaptcha), ""
		if v.NeedsNewPassword {
			a.NewPassword, p.newPasswordSent = p.tag(newPassword, v.Step), true
		}
	}
	code := wrongSecret
	if inbox := p.sim.Inbox(p.phone); len(inbox) > 0 && !wrong {
		code = inbox[len(inbox)-1].Code
	}
	if code == wrongSecret && !wrong || p.used(code, v) || p.random.IntN(12) == 0 {
		if !v.ResendAt.IsZero() {
			a.Input, a.Carry, a.NewPassword = string(carrierfsm.InputResendCaptcha), "", ""
			return a, !p.clock().Before(v.ResendAt)
		}
		code = wrongSecret
	}
	if code != wrongSecret {
		p.usedCodes[code] = v.Step
	}
	p.nonces++
	a.Secret = tagCode(code, v.Step, strconv.Itoa(p.nonces))
	return a, true
}

// used reports whether a code was sent at an earlier prompt.
func (p *person) used(code string, v *view) bool {
	at, usedCodes := p.usedCodes[code]
	return usedCodes && at != v.Step && (at != v.Step-1 || v.Reason != carrierfsm.UpstreamUnavailable)
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func (p *person) tag(secret string, step int) string {
	p.nonces++
	return tag(secret, step, strconv.Itoa(p.nonces))
}

// send sends a request to a random replica and records the response.
func (p *person) send(ctx context.Context, a request, wait time.Duration) response {
	return p.world.send(ctx, p.n, p.random.IntN(1000), a, wait)
}

func (p *person) rest(ctx context.Context, d time.Duration) { rest(ctx, d) }

func (p *person) until(ctx context.Context, t time.Time) {
	if !t.IsZero() {
		rest(ctx, t.Sub(p.clock()))
	}
}

// rest waits for d, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
