package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/looplab/fsm"
)

// Event is what happened to a verification, in the past tense.
type Event string

// The events. An event that leaves the state as it is asks the person again.
const (
	ApplicationAccepted    Event = "application_accepted"     // upstream took the form
	ApplicationRejected    Event = "application_rejected"     // upstream refused the form; it may be corrected
	SourceUnsupported      Event = "source_unsupported"       // the operator is not served at present
	PasswordRequested      Event = "password_requested"       // the service password is needed
	PasswordRejected       Event = "password_rejected"        // it was wrong; also told when a code was sent
	QueryPasswordRequested Event = "query_password_requested" // the operator has a second password
	QueryPasswordRejected  Event = "query_password_rejected"  // it was wrong
	CaptchaRequested       Event = "captcha_requested"        // the operator sent a code
	OwnSMSRequested        Event = "own_sms_requested"        // the person texts the operator to get a code
	CaptchaRejected        Event = "captcha_rejected"         // the code was wrong
	CaptchaReissued        Event = "captcha_reissued"         // the code was too old, a new one is on its way
	CaptchaExpired         Event = "captcha_expired"          // our clock: the code is too old by now
	ResetRequired          Event = "reset_required"           // too weak a password, and it can be reset
	ResetUnsupported       Event = "reset_unsupported"        // too weak a password, and it can't be reset here
	ResetCaptchaRequested  Event = "reset_captcha_requested"  // the operator sent a code for the reset
	NewPasswordRejected    Event = "new_password_rejected"    // the chosen password has a bad format
	PasswordReset          Event = "password_reset"           // the password was reset
	ResetFailed            Event = "reset_failed"             // it could not be reset
	SourceCollected        Event = "source_collected"         // this source is through, the next one begins
	CollectionStarted      Event = "collection_started"       // upstream logged in and collects: the end
	VerificationRejected   Event = "verification_rejected"    // upstream ended it
	UpstreamUnavailable    Event = "upstream_unavailable"     // certainly nothing was sent
	OutcomeUnknown         Event = "outcome_unknown"          // it was perhaps received
	ReplyUnrecognized      Event = "reply_unrecognized"       // a reply that no rule knows
	ReportReady            Event = "report_ready"             // upstream has collected, and its report can be fetched
	ReportFailed           Event = "report_failed"            // it has collected nothing, or not in time
	AttemptsExhausted      Event = "attempts_exhausted"       // no attempts or steps left
	Expired                Event = "expired"                  // nobody answered in time
	Canceled               Event = "canceled"                 // the host or the person gave up
	Erased                 Event = "erased"                   // the person's data was deleted
)

// Where the person stands when an event finds them.
var (
	created  = []State{Created}
	applied  = []State{Applied}
	password = []State{AwaitingPassword}
	captcha  = []State{AwaitingCaptcha}
	either   = []State{AwaitingPassword, AwaitingCaptcha}
	asked    = []State{Created, AwaitingPassword, AwaitingCaptcha}
	running  = []State{Created, Applied, AwaitingPassword, AwaitingCaptcha}
)

// table is THE transition table: event, the states it finds, the state it
// leads to. looplab decides every edge by it (see next), and the pictures in
// docs/states.md are made from it. A row that leads to where it came from
// asks the person again.
var table = fsm.Events{
	// The application.
	row(ApplicationAccepted, created, Applied),
	row(ApplicationRejected, created, Created),
	row(SourceUnsupported, created, Failed),
	row(PasswordRequested, applied, AwaitingPassword),

	// Passwords.
	row(PasswordRejected, either, AwaitingPassword),
	row(QueryPasswordRequested, either, AwaitingPassword),
	row(QueryPasswordRejected, either, AwaitingPassword),

	// Codes.
	row(CaptchaRequested, either, AwaitingCaptcha),
	row(OwnSMSRequested, either, AwaitingCaptcha),
	row(CaptchaRejected, either, AwaitingCaptcha),
	row(CaptchaReissued, either, AwaitingCaptcha),
	row(CaptchaExpired, captcha, AwaitingCaptcha),

	// A password that has to be reset first.
	row(ResetRequired, either, AwaitingPassword),
	row(ResetUnsupported, either, Failed),
	row(ResetCaptchaRequested, either, AwaitingCaptcha),
	row(NewPasswordRejected, either, AwaitingCaptcha),
	row(PasswordReset, either, AwaitingPassword),
	row(ResetFailed, either, Failed),

	// What upstream ends.
	row(SourceCollected, either, Applied),
	row(CollectionStarted, either, Done),
	row(VerificationRejected, either, Failed),

	// What leaves the person where they are.
	row(UpstreamUnavailable, created, Created),
	row(UpstreamUnavailable, password, AwaitingPassword),
	row(UpstreamUnavailable, captcha, AwaitingCaptcha),
	row(OutcomeUnknown, created, Created),
	row(OutcomeUnknown, password, AwaitingPassword),
	row(OutcomeUnknown, captcha, AwaitingCaptcha),
	row(ReplyUnrecognized, created, Created),
	row(ReplyUnrecognized, password, AwaitingPassword),
	row(ReplyUnrecognized, captcha, AwaitingCaptcha),

	// What becomes known after the end, and changes nothing of it.
	row(ReportReady, []State{Done}, Done),
	row(ReportFailed, []State{Done}, Done),

	// What we end. Erasing what has ended leaves it where it is.
	row(AttemptsExhausted, asked, Failed),
	row(Expired, running, Failed),
	row(Canceled, running, Failed),
	row(Erased, running, Failed),
	row(Erased, []State{Done}, Done),
	row(Erased, []State{Failed}, Failed),
}

// eventSince is the table version that introduced each event.
var eventSince = map[Event]int{
	ApplicationAccepted: 1, ApplicationRejected: 1, SourceUnsupported: 1,
	PasswordRequested: 1, PasswordRejected: 1, QueryPasswordRequested: 1, QueryPasswordRejected: 1,
	CaptchaRequested: 1, OwnSMSRequested: 1, CaptchaRejected: 1, CaptchaReissued: 1, CaptchaExpired: 1,
	ResetRequired: 1, ResetUnsupported: 1, ResetCaptchaRequested: 1, NewPasswordRejected: 1,
	PasswordReset: 1, ResetFailed: 1,
	SourceCollected: 1, CollectionStarted: 1, VerificationRejected: 1,
	UpstreamUnavailable: 1, OutcomeUnknown: 1, ReplyUnrecognized: 1,
	ReportReady: 2, ReportFailed: 2,
	AttemptsExhausted: 1, Expired: 1, Canceled: 1, Erased: 1,
}

// Edge is one row of the transition table for one state.
type Edge struct {
	From  State
	Event Event
	To    State
}

// Edges returns the transition table, one edge a row, in its own order.
func Edges() []Edge { return edgesOf(table) }

var errNoEdge = errors.New("carrierfsm: no such edge")

// machines are looplab's, of the whole table, between two steps.
var machines = sync.Pool{New: func() any { return fsm.NewFSM("", table, nil) }}

// next asks looplab where event leads from a state. A machine is used by one
// step at a time and given back after a clean one only: after an error nothing
// has to be put right, and without callbacks nothing can deadlock it.
func next(from State, event Event) (State, error) {
	machine, _ := machines.Get().(*fsm.FSM)
	machine.SetState(string(from))
	err := machine.Event(context.Background(), string(event))
	if err != nil && !errors.As(err, new(fsm.NoTransitionError)) {
		return from, fmt.Errorf("%w: %s in %s", errNoEdge, event, from)
	}
	to := State(machine.Current())
	machines.Put(machine)
	return to, nil
}

func row(event Event, from []State, to State) fsm.EventDesc {
	src := make([]string, len(from))
	for i, s := range from {
		src[i] = string(s)
	}
	return fsm.EventDesc{Name: string(event), Src: src, Dst: string(to)}
}

func edgesOf(rows fsm.Events) (edges []Edge) {
	for _, r := range rows {
		for _, src := range r.Src {
			edges = append(edges, Edge{State(src), Event(r.Name), State(r.Dst)})
		}
	}
	return edges
}
