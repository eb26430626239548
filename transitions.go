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

// The events. An event that leaves the state unchanged asks the person again.
const (
	ApplicationAccepted    Event = "application_accepted"     // upstream accepted the form
	ApplicationRejected    Event = "application_rejected"     // upstream refused the form; it may be corrected
	SourceUnsupported      Event = "source_unsupported"       // upstream does not serve the operator at present
	PasswordRequested      Event = "password_requested"       // the service password is needed
	PasswordRejected       Event = "password_rejected"        // the password was wrong; can also be the reply to a code
	QueryPasswordRequested Event = "query_password_requested" // the operator asks for a second password
	QueryPasswordRejected  Event = "query_password_rejected"  // the second password was wrong
	CaptchaRequested       Event = "captcha_requested"        // the operator sent a code
	OwnSMSRequested        Event = "own_sms_requested"        // the person texts the operator to get a code
	CaptchaRejected        Event = "captcha_rejected"         // the code was wrong
	CaptchaReissued        Event = "captcha_reissued"         // the code was too old, and the operator sent a new one
	CaptchaExpired         Event = "captcha_expired"          // no code was entered in time
	ResetRequired          Event = "reset_required"           // the password is too weak and can be reset
	ResetUnsupported       Event = "reset_unsupported"        // the password is too weak and can't be reset here
	ResetCaptchaRequested  Event = "reset_captcha_requested"  // the operator sent a code for the reset
	NewPasswordRejected    Event = "new_password_rejected"    // the new password has a bad format
	PasswordReset          Event = "password_reset"           // the password was reset
	ResetFailed            Event = "reset_failed"             // the password could not be reset
	SourceCollected        Event = "source_collected"         // this source is done, and the next one follows
	CollectionStarted      Event = "collection_started"       // upstream has logged in and collects: the end
	VerificationRejected   Event = "verification_rejected"    // upstream ended the verification
	UpstreamUnavailable    Event = "upstream_unavailable"     // the request was certainly not sent
	OutcomeUnknown         Event = "outcome_unknown"          // the request may have been received
	ReplyUnrecognized      Event = "reply_unrecognized"       // no rule knows the reply
	ReportReady            Event = "report_ready"             // upstream has collected, and its report can be fetched
	ReportFailed           Event = "report_failed"            // upstream collected nothing, or not in time
	AttemptsExhausted      Event = "attempts_exhausted"       // no attempts or steps are left
	Expired                Event = "expired"                  // no answer came in time
	Canceled               Event = "canceled"                 // the host or the person gave up
	Erased                 Event = "erased"                   // the person's data was deleted
)

// The states in which an event can happen.
var (
	created  = []State{Created}
	applied  = []State{Applied}
	password = []State{AwaitingPassword}
	captcha  = []State{AwaitingCaptcha}
	either   = []State{AwaitingPassword, AwaitingCaptcha}
	asked    = []State{Created, AwaitingPassword, AwaitingCaptcha}
	running  = []State{Created, Applied, AwaitingPassword, AwaitingCaptcha}
)

// table is the transition table: an event, the states in which it can happen,
// and the state that it leads to. looplab decides every edge from it (see
// next), and the pictures in docs/states.md are made from it. A row that leads
// back to its own state asks the person again.
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

	// The end of a source, or of the verification, by upstream.
	row(SourceCollected, either, Applied),
	row(CollectionStarted, either, Done),
	row(VerificationRejected, either, Failed),

	// No usable reply: the person is asked the same again.
	row(UpstreamUnavailable, created, Created),
	row(UpstreamUnavailable, password, AwaitingPassword),
	row(UpstreamUnavailable, captcha, AwaitingCaptcha),
	row(OutcomeUnknown, created, Created),
	row(OutcomeUnknown, password, AwaitingPassword),
	row(OutcomeUnknown, captcha, AwaitingCaptcha),
	row(ReplyUnrecognized, created, Created),
	row(ReplyUnrecognized, password, AwaitingPassword),
	row(ReplyUnrecognized, captcha, AwaitingCaptcha),

	// After the end: the report.
	row(ReportReady, []State{Done}, Done),
	row(ReportFailed, []State{Done}, Done),

	// The end by the machine, the person or the host. Erasing a verification
	// that has ended leaves its state unchanged.
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

// Edge is one edge of the graph: a row of the transition table, for one of the
// states in which its event can happen.
type Edge struct {
	From  State
	Event Event
	To    State
}

// Edges returns all edges of the transition table, in the order of its rows. The list
// belongs to the caller.
func Edges() []Edge { return edgesOf(table) }

var errNoEdge = errors.New("carrierfsm: no such edge")

// machines are looplab's FSMs of the whole table that no step uses at present.
var machines = sync.Pool{New: func() any { return fsm.NewFSM("", table, nil) }}

// next returns the state that an event leads to, as looplab decides it. It
// returns errNoEdge where the table has no such edge. An FSM goes back to the
// pool only after a clean step, so one that looplab left in transition is never
// used again. It has no callbacks, so nothing can deadlock it.
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
