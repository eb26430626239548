package fsmtest

import (
	"context"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Answer is what a scripted upstream does with one call. It is a value: one
// Answer may be scripted several times, except one of Held. The zero Answer
// stands for none; it must not be scripted.
type Answer struct {
	receipt carrierfsm.Receipt
	reply   carrierfsm.Reply
	err     error
	compute func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error)
	after   time.Duration
	gate    *Gate

	scripted       bool // false: the zero Answer
	application    bool // answers an application
	notSent        bool // nothing arrives
	panics         bool
	ignoresContext bool
}

// fits reports whether it can answer an application (apply), or any other call.
// A fault can answer both.
func (a Answer) fits(apply bool) bool { return a.application == apply || a.err != nil || a.panics }

// Accept accepts an application at this website, which is online and has no
// password reset.
func Accept(website string) Answer {
	return AcceptAt(carrierfsm.Source{Website: website, Name: website, Online: true})
}

// AcceptAt accepts an application at this source.
func AcceptAt(s carrierfsm.Source) Answer {
	return Answer{scripted: true, application: true, receipt: carrierfsm.Receipt{
		Accepted: true, Token: carrierfsm.NewSecret(Token), Source: s,
	}}
}

// Token is the token of every accepted application.
const Token = "00000000000000000000000000000001"

// Refuse refuses an application, with this text for the person.
func Refuse(message string) Answer {
	return Answer{scripted: true, application: true, receipt: carrierfsm.Receipt{Message: carrierfsm.NewSecret(message)}}
}

// Code replies with a process code, as data.type CONTROL.
func Code(code carrierfsm.ProcessCode) Answer {
	return Reply(carrierfsm.Reply{Success: true, Code: code, Type: "CONTROL"})
}

// Reply replies with r.
func Reply(r carrierfsm.Reply) Answer { return Answer{scripted: true, reply: r} }

// Next replies that the present source is collected and that this website, which
// is online, is the next one.
func Next(website string) Answer {
	return Reply(carrierfsm.Reply{
		Success: true, Code: "10008", Type: "CONTROL",
		Next: &carrierfsm.Source{Website: website, Name: website, Online: true},
	})
}

// NotSent fails the call with an error that matches carrierfsm.ErrNotSent.
// Nothing arrives.
func NotSent() Answer {
	return Answer{scripted: true, err: fmt.Errorf("fsmtest: %w", carrierfsm.ErrNotSent), notSent: true}
}

// Lost fails the call after it has arrived: its outcome is unknown.
func Lost() Answer { return Answer{scripted: true, err: errLost} }

// Panics panics after the call has arrived.
func Panics() Answer { return Answer{scripted: true, panics: true} }

// Func replies with what f returns for the request. f runs in the goroutine of
// the call, after the call was counted as arrived; if it is scripted several
// times or as Otherwise, it may run concurrently. The secrets of the request
// belong to the caller, who destroys them after the call.
func Func(f func(context.Context, carrierfsm.Request) (carrierfsm.Reply, error)) Answer {
	return Answer{scripted: true, compute: f}
}

// After gives the answer a duration d later, or returns the error of the call's
// context if that ends earlier. The time is the real one; in a synctest bubble,
// the bubble's.
func After(d time.Duration, a Answer) Answer {
	a.after = d
	return a
}

// Held holds an answer back until the gate is opened or the call's context ends,
// so that a test can look at a call that is in flight. The Answer is for one call.
func Held(a Answer) (Answer, *Gate) {
	a.gate = &Gate{arrived: make(chan struct{}), open: make(chan struct{})}
	return a, a.gate
}

// IgnoreContext gives a delayed or held answer even if the call's context has
// ended meanwhile, as an upstream does that does not watch its context.
func IgnoreContext(a Answer) Answer {
	a.ignoresContext = true
	return a
}

// Gate holds one answer back. Its methods are safe for concurrent use.
type Gate struct {
	arrived, open chan struct{}
}

// Arrived returns a channel that is closed once the call has arrived.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Open releases the answer. A second call panics.
func (g *Gate) Open() { close(g.open) }

// give gives the answer to one call. arrive counts it.
func (a Answer) give(ctx context.Context, r carrierfsm.Request, arrive func()) (carrierfsm.Receipt, carrierfsm.Reply, error) {
	if !a.notSent {
		arrive()
	}
	if err := a.wait(ctx); err != nil {
		return carrierfsm.Receipt{}, carrierfsm.Reply{}, err
	}
	if a.panics {
		panic("fsmtest: the upstream panicked")
	}
	if a.compute != nil {
		reply, err := a.compute(ctx, r)
		return carrierfsm.Receipt{}, reply, err
	}
	return a.receipt, a.reply, a.err
}

// wait waits for the gate, and then for the time of After.
func (a Answer) wait(ctx context.Context) error {
	ended := ctx.Done()
	if a.ignoresContext {
		ended = nil
	}
	if a.gate != nil {
		close(a.gate.arrived)
		select {
		case <-a.gate.open:
		case <-ended:
			return ctx.Err()
		}
	}
	if a.after > 0 {
		timer := time.NewTimer(a.after)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ended:
			return ctx.Err()
		}
	}
	return nil
}
