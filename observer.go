package carrierfsm

import (
	"context"
	"errors"
	"time"
)

// Observer is told what a Machine does, for traces and metrics; package
// telemetry has one for OpenTelemetry, and Observers joins several. Each of its
// functions may be nil.
//
// All but Transition are called before an operation. They return the context
// that the operation runs under, which has to come from the one they were
// given, and what is called once when it is over, on whatever goroutine that
// is then; neither may be nil. Exchange returns no context: nothing it does
// can change how a request is made.
//
// The functions are called on the path of a submission, from many goroutines:
// they must not block, and must not panic. They are given nothing personal: no
// number, no token, no secret and no text of upstream's. An ID is not personal,
// but there is no end of them: keep it out of what is counted.
type Observer struct {
	// Submit surrounds one Submit, from its beginning to the commit of the
	// outcome: also where its caller stopped waiting earlier.
	Submit func(ctx context.Context, in InputKind) (context.Context, func(Submitted))
	// Call surrounds the one call upstream of a submission.
	Call func(ctx context.Context, c Calling) (context.Context, func(Called))
	// Store surrounds each call of a method of Store, which is named in lower
	// case: "load", "commit". Those of an Outbox are not told.
	Store func(ctx context.Context, method string) (context.Context, func(error))
	// Handle surrounds each call of a handler. The handler's context comes from
	// the one that is returned.
	Handle func(ctx context.Context, h Handling) (context.Context, func(Handled))
	// Exchange surrounds each HTTP request to upstream. A Machine makes none:
	// give the Observer to the client too, see juxinli.Config.
	Exchange func(ctx context.Context, e Exchanging) func(Exchanged)
	// Transition is called for each transition when it is committed, in the
	// process that did so. A process that dies right then does not tell it.
	Transition func(ctx context.Context, m Moved)
}

// SubmitOutcome is what became of a submission.
type SubmitOutcome string

// The outcomes of a submission.
const (
	// SubmitAccepted: upstream took the answer, and it goes on or has ended.
	// Also a cancellation that was taken.
	SubmitAccepted SubmitOutcome = "accepted"
	// SubmitRejected: upstream refused it: a wrong password, a wrong code, a form.
	SubmitRejected SubmitOutcome = "rejected"
	// SubmitNotSent: certainly nothing was sent.
	SubmitNotSent SubmitOutcome = "not_sent"
	// SubmitUnknown: it was perhaps received, or what upstream said is not
	// understood, came too late or can't be stored.
	SubmitUnknown SubmitOutcome = "unknown"
	// SubmitRefused: Submit returned an error, and nothing was sent.
	SubmitRefused SubmitOutcome = "refused"
)

// Submitted is what became of one Submit.
type Submitted struct {
	// ID, State, Step and Source are those of the verification afterwards, as
	// far as it is known; zero where there is none of that id.
	ID     string
	State  State
	Step   int
	Source string
	// Outcome is what became of it.
	Outcome SubmitOutcome
	// Event is what it led to first; empty where it led to nothing.
	Event Event
	// Dropped tells that upstream's reply came when it had been given up and
	// something newer had happened.
	Dropped bool
	// Err is why it was refused, dropped or is pending: see Submit. Look at it
	// with errors.Is; its text may be that of a driver.
	Err error
}

// Calling is a call upstream that is about to be made.
type Calling struct {
	// ID names the verification.
	ID string
	// Call and Input are what is asked of upstream, and what the person answered.
	Call  Call
	Input InputKind
	// Source is the website; empty for an application.
	Source string
}

// Called is how a call upstream ended.
type Called struct {
	// Fault is empty where upstream replied.
	Fault Fault
}

// Handling is a transition that is about to be given to a handler.
type Handling struct {
	// Handler is its name.
	Handler string
	// ID and Step name the transition.
	ID   string
	Step int
	// Event is what happened.
	Event Event
}

// Handled is how the call of a handler ended.
type Handled struct {
	// Why tells why it failed: "error", "panic", "timeout", "unreadable";
	// empty where it did not.
	Why string
	// Lag is how long ago the transition was decided.
	Lag time.Duration
}

// Moved is a committed transition.
type Moved struct {
	// ID and Step name it.
	ID   string
	Step int
	// From, Event and To are the transition.
	From  State
	Event Event
	To    State
	// Source is the website at which it happened; empty before there is one.
	Source string
	// Stay is how long the verification has been in From, since it came there
	// from another state. It is below zero where that is not known: the record
	// was erased, or written by a build that did not note it.
	Stay time.Duration
}

// What is called where nobody observes.
var (
	noSubmitted = func(Submitted) {}
	noCalled    = func(Called) {}
	noHandled   = func(Handled) {}
)

func (o *Observer) submit(ctx context.Context, in InputKind) (context.Context, func(Submitted)) {
	if o == nil || o.Submit == nil {
		return ctx, noSubmitted
	}
	return o.Submit(ctx, in)
}

func (o *Observer) call(ctx context.Context, c Calling) (context.Context, func(Called)) {
	if o == nil || o.Call == nil {
		return ctx, noCalled
	}
	return o.Call(ctx, c)
}

func (o *Observer) handle(ctx context.Context, h Handling) (context.Context, func(Handled)) {
	if o == nil || o.Handle == nil {
		return ctx, noHandled
	}
	return o.Handle(ctx, h)
}

// moved tells of the transitions of a decision that is committed.
func (o *Observer) moved(ctx context.Context, d *decision) {
	if o == nil || o.Transition == nil {
		return
	}
	since := d.since
	for _, t := range d.transitions {
		m := Moved{ID: t.ID, Step: t.Step, From: t.From, Event: t.Event, To: t.To, Source: t.Detail.Source, Stay: -1}
		if m.Source == "" {
			m.Source = d.At.Website
		}
		if !since.IsZero() {
			m.Stay = max(0, t.At.Sub(since)) // clocks differ
		}
		if t.From != t.To {
			since = t.At
		}
		o.Transition(ctx, m)
	}
}

// refused tells what became of a submission that was not sent.
func refused(o *opened, err error) Submitted {
	s := submitted(o)
	s.Outcome, s.Err = SubmitRefused, err
	return s
}

// canceled tells what became of a cancellation.
func canceled(o *opened, err error) Submitted {
	if err != nil && !errors.Is(err, ErrPending) {
		return refused(o, err)
	}
	s := submitted(o)
	s.Outcome, s.Err = SubmitAccepted, err
	if err == nil {
		s.Event = Canceled
	}
	return s
}

// concluded tells what became of a submission whose call was made.
func concluded(d *decision, err error) Submitted {
	s := submitted(&d.opened)
	s.Outcome, s.Dropped, s.Err = SubmitUnknown, errors.Is(err, ErrStale), err
	if err == nil && len(d.transitions) > 0 {
		s.Event = d.transitions[0].Event
		s.Outcome = s.Event.outcome()
	}
	return s
}

func submitted(o *opened) Submitted {
	return Submitted{ID: o.ID, State: o.State, Step: o.Step, Source: o.At.Website}
}

// outcome is what an event means for the submission that led to it.
func (e Event) outcome() SubmitOutcome {
	switch e {
	case UpstreamUnavailable:
		return SubmitNotSent
	case OutcomeUnknown, ReplyUnrecognized:
		return SubmitUnknown
	case ApplicationRejected, SourceUnsupported, PasswordRejected, QueryPasswordRejected, CaptchaRejected, CaptchaReissued,
		ResetRequired, ResetUnsupported, NewPasswordRejected, ResetFailed, VerificationRejected:
		return SubmitRejected
	default:
		return SubmitAccepted
	}
}
