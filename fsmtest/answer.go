package fsmtest

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
)

// Answer is what a scripted upstream does with one call.
type Answer struct {
	receipt carrierfsm.Receipt
	reply   carrierfsm.Reply
	err     error
	said    bool // it is one: the zero Answer is none
	form    bool // answers an application
	unsent  bool // nothing arrives
	panics  bool
	gate    *Gate
}

// fits tells whether it answers an application, or anything else. A fault
// answers both.
func (a Answer) fits(apply bool) bool { return a.form == apply || a.err != nil || a.panics }

// Accept accepts an application, at this website.
func Accept(website string) Answer {
	return AcceptAt(carrierfsm.Source{Website: website, Name: website, Online: true})
}

// AcceptAt accepts an application, at this source.
func AcceptAt(s carrierfsm.Source) Answer {
	return Answer{said: true, form: true, receipt: carrierfsm.Receipt{
		Accepted: true, Token: "00000000000000000000000000000001", Source: s,
	}}
}

// Refuse refuses an application, with this text for the person.
func Refuse(message string) Answer {
	return Answer{said: true, form: true, receipt: carrierfsm.Receipt{Message: message}}
}

// Code replies with a process code.
func Code(code carrierfsm.ProcessCode) Answer {
	return Reply(carrierfsm.Reply{Success: true, Code: code, Type: "CONTROL"})
}

// Reply replies anything at all.
func Reply(r carrierfsm.Reply) Answer { return Answer{said: true, reply: r} }

// Next replies that this source is through and another one begins.
func Next(website string) Answer {
	return Reply(carrierfsm.Reply{
		Success: true, Code: "10008", Type: "CONTROL",
		Next: &carrierfsm.Source{Website: website, Name: website, Online: true},
	})
}

// NotSent fails the call with certainty: nothing arrives.
func NotSent() Answer {
	return Answer{said: true, err: fmt.Errorf("fsmtest: %w", carrierfsm.ErrNotSent), unsent: true}
}

// Lost lets the call arrive and loses its reply.
func Lost() Answer { return Answer{said: true, err: errLost} }

// Panics lets the call arrive and panics.
func Panics() Answer { return Answer{said: true, panics: true} }

// Held holds an answer back until the gate is opened or the call's context
// ends, so that a test can look at what is under way.
func Held(a Answer) (Answer, *Gate) {
	a.gate = &Gate{arrived: make(chan struct{}), open: make(chan struct{})}
	return a, a.gate
}

// Stubborn is Held, for an upstream that ignores the end of its context.
func Stubborn(a Answer) (Answer, *Gate) {
	a, gate := Held(a)
	gate.stubborn = true
	return a, gate
}

// Gate holds one answer back.
type Gate struct {
	arrived, open chan struct{}
	stubborn      bool
}

// Arrived is closed once the call has arrived.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Open lets the answer through. It must be called once.
func (g *Gate) Open() { close(g.open) }

// wait waits for Open.
func (g *Gate) wait(ctx context.Context) error {
	close(g.arrived)
	if g.stubborn {
		<-g.open
		return nil
	}
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// play does what the answer says.
func (a Answer) play(ctx context.Context, u *Upstream, c Call, secrets []carrierfsm.Secret) (Answer, error) {
	if !a.unsent {
		u.arrive(c, secrets)
	}
	if a.gate != nil {
		if err := a.gate.wait(ctx); err != nil {
			return Answer{}, err
		}
	}
	if a.panics {
		panic("fsmtest: the upstream panicked")
	}
	return a, a.err
}
