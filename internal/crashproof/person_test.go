package crashproof_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// person goes through one verification after the other: answers, clicks twice,
// loses patience, comes back, answers old prompts, gives up.
type person struct {
	world *world
	n     int // who
	dice  *rand.Rand
	clock func() time.Time

	// Of the present verification.
	*subject
	runs   int
	nonces int
	carry  string
	chosen bool           // a new password was sent
	reset  bool           // and is taken for the right one
	typed  map[string]int // codes that were typed, and at which step
	latest *ask           // the answer before
}

var websites = []string{
	"chinamobilejs", "chinamobilejs", "chinaunicom", "chinamobilebj", "chinamobilesc",
	"chinatelecomjl", "chinamobilezj", "chinamobileah", "chinamobilesh",
}

// patience is how long a person waits for an answer at most.
const patience = 700 * time.Millisecond

// live goes on until the world says that it is enough.
func (p *person) live(ctx context.Context) {
	for ctx.Err() == nil && !p.world.quiet() {
		p.verify(ctx)
	}
}

// verify is one verification, to its end or until the person walks away.
func (p *person) verify(ctx context.Context) {
	p.runs++
	id := fmt.Sprintf("%s-%02d-%04d", p.world.name, p.n, p.runs)
	phone := fmt.Sprintf("139%03d%05d", p.n, p.runs)
	p.carry, p.chosen, p.reset, p.typed, p.latest = "", false, false, make(map[string]int), nil
	p.subject = p.world.front.admit(id, phone, websites[p.dice.IntN(len(websites))])
	p.world.begun(p.subject)
	v := p.create(ctx)
	for v != nil && !v.State.Terminal() && ctx.Err() == nil && !p.world.hopeless() {
		if p.dice.IntN(200) == 0 {
			return // walks away; the clock will end it
		}
		p.rest(ctx, between(p.dice, 0, 12*time.Millisecond))
		v = p.step(ctx, v)
	}
}

func (p *person) create(ctx context.Context) *view {
	for ctx.Err() == nil && !p.world.hopeless() {
		t := p.say(ctx, ask{Op: opCreate, ID: p.id}, patience)
		if t.Word == wordOK {
			return t.View
		}
		if t.Word == wordExists {
			return p.look(ctx)
		}
		p.rest(ctx, between(p.dice, time.Millisecond, 20*time.Millisecond))
	}
	return nil
}

// look asks how things stand until somebody knows.
func (p *person) look(ctx context.Context) *view {
	for ctx.Err() == nil && !p.world.hopeless() {
		if t := p.say(ctx, ask{Op: opGet, ID: p.id}, patience); t.Word == wordOK {
			return t.View
		} else if t.Word == "not found" {
			return nil // what was acknowledged is gone; the judge will say so
		}
		p.rest(ctx, between(p.dice, time.Millisecond, 20*time.Millisecond))
	}
	return nil
}

// step does one thing about what is asked, and tells how things stand then.
func (p *person) step(ctx context.Context, v *view) *view {
	if v.Carry != "" {
		p.carry = v.Carry
	}
	if v.InFlight {
		p.rest(ctx, between(p.dice, 5*time.Millisecond, 40*time.Millisecond))
		return p.look(ctx)
	}
	switch luck := p.dice.IntN(100); {
	case luck < 1:
		p.say(ctx, ask{Op: opSubmit, ID: p.id, Input: string(carrierfsm.InputCancel)}, patience)
		return p.look(ctx)
	case luck < 4 && p.latest != nil:
		p.say(ctx, *p.latest, patience) // an old page of the browser
		return p.look(ctx)
	case luck < 6 && v.Kind != carrierfsm.PromptApplication:
		p.until(ctx, v.Deadline.Add(between(p.dice, -4*time.Millisecond, 4*time.Millisecond))) // at the last moment
	case luck < 7 && v.Kind != carrierfsm.PromptApplication:
		return p.submit(ctx, ask{Op: opSubmit, ID: p.id, Step: v.Step, Input: string(carrierfsm.InputSkipSource)})
	case luck < 9:
		p.rest(ctx, between(p.dice, 100*time.Millisecond, 400*time.Millisecond))
	}
	a, ok := p.answer(v)
	if !ok {
		p.until(ctx, v.ResendAt)
		p.rest(ctx, 10*time.Millisecond)
		return p.look(ctx)
	}
	return p.submit(ctx, a)
}

// submit clicks: once, twice, with or without patience.
func (p *person) submit(ctx context.Context, a ask) *view {
	p.latest = &a
	wait := patience
	if p.dice.IntN(10) == 0 {
		wait = between(p.dice, time.Millisecond, 60*time.Millisecond)
	}
	var twice sync.WaitGroup
	if p.dice.IntN(4) == 0 {
		pause, where := between(p.dice, 0, 3*time.Millisecond), p.dice.IntN(1000)
		twice.Go(func() {
			p.rest(ctx, pause)
			p.world.say(ctx, p.n, where, a, patience)
		})
	}
	t := p.say(ctx, a, wait)
	twice.Wait()
	switch {
	case t.Word == wordOK:
		return t.View
	case t.Word == wordPhrase:
		if a.Input == string(carrierfsm.InputCaptcha) && a.Password == "" {
			a.Password = p.tag(rightPassword, a.Step)
			return p.submit(ctx, a)
		}
	case t.Word == wordLost && p.dice.IntN(2) == 0:
		p.say(ctx, a, patience) // the same once more, to somebody else
	}
	return p.look(ctx)
}

// answer is the answer to a prompt. It is not ok while there is nothing to say
// but to wait for another code.
func (p *person) answer(v *view) (a ask, ok bool) {
	a = ask{Op: opSubmit, ID: p.id, Step: v.Step}
	wrong := p.dice.IntN(10) == 0
	switch v.Kind {
	case carrierfsm.PromptApplication:
		a.Input, a.Phone, a.Address = string(carrierfsm.InputApply), p.phone, p.tag("nowhere", v.Step)
	case carrierfsm.PromptPassword:
		if v.Reset && (v.Reason == carrierfsm.ResetRequired || p.dice.IntN(8) == 0) {
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
	if p.chosen && v.Reason == carrierfsm.PasswordRejected && p.dice.IntN(2) == 0 {
		p.reset = !p.reset // what came of it may not be known
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

// code types the latest code, once. When nothing was sent it is typed again;
// else another is asked for.
func (p *person) code(v *view, wrong bool) (a ask, ok bool) {
	a = ask{Op: opSubmit, ID: p.id, Step: v.Step, Input: string(carrierfsm.InputCaptcha), Carry: p.carry}
	switch v.Kind {
	case carrierfsm.PromptOwnSMS:
		p.sim.TextCXXD(p.phone)
	case carrierfsm.PromptResetCaptcha:
		a.Input, a.Carry = string(carrierfsm.InputResetCaptcha), ""
		if v.Choose {
			a.Chosen, p.chosen = p.tag(newPassword, v.Step), true
		}
	}
	code := wrongSecret
	if inbox := p.sim.Inbox(p.phone); len(inbox) > 0 && !wrong {
		code = inbox[len(inbox)-1].Code
	}
	if code == wrongSecret && !wrong || p.used(code, v) || p.dice.IntN(12) == 0 {
		if !v.ResendAt.IsZero() {
			a.Input, a.Carry, a.Chosen = string(carrierfsm.InputResendCaptcha), "", ""
			return a, !p.clock().Before(v.ResendAt)
		}
		code = wrongSecret
	}
	if code != wrongSecret {
		p.typed[code] = v.Step
	}
	a.Secret = p.tag(code, v.Step)
	return a, true
}

// used tells whether a code was given away at an earlier prompt. One that was
// certainly not sent was not.
func (p *person) used(code string, v *view) bool {
	at, typed := p.typed[code]
	return typed && at != v.Step && (at != v.Step-1 || v.Reason != carrierfsm.UpstreamUnavailable)
}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func (p *person) tag(secret string, step int) string {
	p.nonces++
	return tag(secret, step, fmt.Sprintf("%d", p.nonces))
}

// say asks some replica and notes the answer.
func (p *person) say(ctx context.Context, a ask, wait time.Duration) told {
	return p.world.say(ctx, p.n, p.dice.IntN(1000), a, wait)
}

func (p *person) rest(ctx context.Context, d time.Duration) { rest(ctx, d) }

func (p *person) until(ctx context.Context, t time.Time) {
	if !t.IsZero() {
		rest(ctx, t.Sub(p.clock()))
	}
}

// rest waits for so long, or until ctx ends.
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
