package carrierfsm

import (
	"context"
	"time"
)

// Observer is called for what a Machine does, for traces and metrics. Package
// telemetry has one for OpenTelemetry, and Observers joins several. Each of its
// functions may be nil.
//
// All but Transition are called before an operation. They return the context
// that the operation runs under, which must be derived from the given one, and
// a function that is called once when the operation is over, on any goroutine;
// neither may be nil. Exchange returns no context: it can't change how a
// request is made.
//
// The functions are called on the path of a submission, from many goroutines:
// they must not block and must not panic. They are given nothing personal: no
// number, no token, no secret and no text of upstream's. An ID is not personal,
// but IDs are unbounded: don't make them labels of metrics.
type Observer struct {
	// Submit surrounds one Submit, until the outcome is committed, which may be
	// later than its caller stopped waiting.
	Submit func(ctx context.Context, in InputKind) (context.Context, func(SubmitDone))
	// Call surrounds the one call upstream of a submission.
	Call func(ctx context.Context, c CallStart) (context.Context, func(CallDone))
	// Store surrounds each call of a method of Store, which is named in lower
	// case: "load", "commit".
	Store func(ctx context.Context, method string) (context.Context, func(error))
	// Exchange surrounds each HTTP request to upstream. A Machine makes none:
	// give the Observer to the client too, see juxinli.Config.
	Exchange func(ctx context.Context, e ExchangeStart) func(ExchangeDone)
	// Transition is called after each transition was committed, in the process
	// that committed it. It is not called if that process dies in between.
	Transition func(ctx context.Context, t TransitionDone)
}

// SubmitOutcome is the outcome of a submission.
type SubmitOutcome string

// The outcomes of a submission.
const (
	// SubmitAccepted: upstream accepted the answer, or a cancellation was taken.
	SubmitAccepted SubmitOutcome = "accepted"
	// SubmitRejected: upstream refused it: a wrong password, a wrong code, a form.
	SubmitRejected SubmitOutcome = "rejected"
	// SubmitNotSent: certainly nothing was sent.
	SubmitNotSent SubmitOutcome = "not_sent"
	// SubmitUnknown: upstream may have received it, or its reply is not
	// understood, came too late or can't be stored.
	SubmitUnknown SubmitOutcome = "unknown"
	// SubmitRefused: Submit returned an error, and nothing was sent.
	SubmitRefused SubmitOutcome = "refused"
)

// SubmitDone is how one Submit ended.
type SubmitDone struct {
	// ID, State, Step and Source are those of the verification afterwards, as
	// far as they are known; zero where there is no verification of that id.
	ID     string
	State  State
	Step   int
	Source string
	// Outcome is the outcome.
	Outcome SubmitOutcome
	// Event is the first event that the submission led to, if any.
	Event Event
	// Dropped reports that upstream's reply came too late: its call had been
	// given up and something newer had happened.
	Dropped bool
	// Err is why the submission was refused, dropped or is pending: see Submit.
	// Test it with errors.Is; its text may be a driver's.
	Err error
}

// CallStart is a call upstream that is about to be made.
type CallStart struct {
	// ID names the verification.
	ID string
	// Call and Input are what upstream is asked, and what the person answered.
	Call  Call
	Input InputKind
	// Source is the website; empty for an application.
	Source string
}

// CallDone is how a call upstream ended.
type CallDone struct {
	// Fault is empty where upstream replied.
	Fault Fault
}

// ExchangeStart is an HTTP request that a client of upstream is about to make.
type ExchangeStart struct {
	// Method is its method.
	Method string
	// Host and Port are its destination.
	Host string
	Port int
	// Template is its path with names in place of values, without a query:
	// "/orgApi/rest/v2/applications/{org}".
	Template string
}

// ExchangeDone is how an HTTP request ended.
type ExchangeDone struct {
	// Status is the status code of the answer, and Version its HTTP version,
	// "1.1" for instance; zero where no answer came.
	Status  int
	Version string
	// Failure is why there was no usable answer, as one of a few words of the
	// client's, without any value in it; empty where there was one.
	Failure string
	// NotSent reports that certainly no byte of the request was written.
	NotSent bool
}

// TransitionDone is a committed transition.
type TransitionDone struct {
	// ID and Step name it.
	ID   string
	Step int
	// From, Event and To are the transition.
	From  State
	Event Event
	To    State
	// Source is the website at which it happened; empty before there is one.
	Source string
	// Dwell is how long the verification had been in From since it entered it
	// from another state. It is negative where that is not known: the record was
	// erased, or was written by a build that did not store it.
	Dwell time.Duration
}
