package carrierfsm

import "context"

// Upstream is the aggregator's API, one of the two ports of this package.
// upstream/juxinli is the real client; fsmtest.TestUpstream tests any other
// against this contract.
//
// Both methods are safe for concurrent use and keep no state of their own
// between calls. An implementation may poll inside a call, but it sends the
// secrets of a Request in one request only, and never repeats a request of
// which a byte was written. The context carries the absolute deadline of the
// call; nothing is sent after it.
//
// An error that matches ErrNotSent promises that upstream received no byte of
// the request. Every other error means that the outcome is unknown: upstream
// may have received the request and acted on it. No error contains a token, a
// number, a secret or a body.
type Upstream interface {
	// Apply hands in the person's form. A refusal of the form is no error: it
	// is a Receipt with Accepted false. An accepted Receipt has a Token and a
	// Source with a Website.
	Apply(ctx context.Context, a Application) (Receipt, error)

	// Collect sends one answer of the person and returns upstream's reply. A
	// refusal is no error: it is a Reply.
	Collect(ctx context.Context, r Request) (Reply, error)
}

// Application is what Apply sends.
type Application struct {
	// Form is the person's form. Its Secrets are destroyed after the call.
	Form Form
}

// Receipt is upstream's answer to an application.
type Receipt struct {
	// Accepted reports whether the form was accepted.
	Accepted bool
	// Message is upstream's text for the person; it may be empty.
	Message Secret
	// Token names the application in all later requests. It has 1 to 256 of the
	// characters of a Website, and none of the person's values in it. Any other
	// makes the outcome unknown.
	Token Secret
	// Source is the data source to begin with.
	Source Source
}

// Source is one data source: one website of one operator.
type Source struct {
	// Website is upstream's name of the source, "chinamobilejs" for instance: 1 to
	// 64 ASCII letters, digits, dots, dashes and underscores, with at most five
	// digits. Any other makes the outcome of the call unknown.
	Website string `json:"website"`
	// Name is its name for people, "江苏移动" for instance.
	Name string `json:"name,omitempty"`
	// Online reports whether upstream serves it at present.
	Online bool `json:"online,omitempty"`
	// ResetMethod is whether and how the service password can be reset there.
	ResetMethod ResetMethod `json:"reset,omitempty"`
}

// ResetMethod is how a source lets a person reset the service password.
type ResetMethod int

// The ways to reset a password. Any other number counts as ResetNone.
const (
	// ResetNone: it can't be reset through upstream.
	ResetNone ResetMethod = 0
	// ResetBySMS: the operator texts a new password.
	ResetBySMS ResetMethod = 1
	// ResetWithNewPassword: a code is texted, and the person chooses a new password.
	ResetWithNewPassword ResetMethod = 2
)

// possible reports whether the method is one that upstream offers.
func (m ResetMethod) possible() bool { return m == ResetBySMS || m == ResetWithNewPassword }

// Request is what Collect sends: one input of the person. Its Secrets are
// destroyed when the call has returned. An implementation reads them with
// Secret.Use and keeps no copy.
type Request struct {
	// Input is what is being answered, and so which of the secrets below are to
	// be sent: InputPassword, InputQueryPassword, InputCaptcha,
	// InputResendCaptcha, InputRequestReset (for the first code of a reset and
	// for another one), InputResetCaptcha, InputSkipSource. An implementation
	// sends no other secrets, and returns an error matching ErrNotSent for an
	// input that it can't send.
	Input InputKind
	// Token, Website and Account (the phone number) name the person's run.
	Token   Secret
	Website string
	Account Secret
	// Password belongs to InputPassword, and to codes where the machine has it.
	Password Secret
	// QueryPassword belongs to InputQueryPassword.
	QueryPassword Secret
	// Captcha belongs to InputCaptcha and InputResetCaptcha.
	Captcha Secret
	// NewPassword belongs to InputResetCaptcha, where the source's ResetMethod
	// is ResetWithNewPassword.
	NewPassword Secret
	// Cursor is what the implementation returned in the latest Reply.
	Cursor []byte
}

// Reply is upstream's answer to a Request, decoded but not interpreted: the
// reply table does that. A Code of more than five digits, and a Type or Template with
// other characters than letters and underscores, counts as unknown and is not stored.
type Reply struct {
	// Success is upstream's own "success".
	Success bool
	// Code is the process code; empty where upstream sent none.
	Code ProcessCode
	// Type is data.type: CONTROL, ERROR, RUNNING, TIP, or any other word.
	Type string
	// Template is req_msg_tpl.type: what upstream wants to be sent next.
	Template string
	// Finish is data.finish; false where upstream sent none.
	Finish bool
	// Next is the next data source, nil where there is none.
	Next *Source
	// AlreadyCollected reports that upstream's text says that this website was
	// collected before. Only adapters interpret texts.
	AlreadyCollected bool
	// Content is upstream's text for the person; it may be empty.
	Content Secret
	// Cursor is kept with the verification and passed with the next Request:
	// the only state that an adapter has. It has at most 4096 bytes and
	// contains no secret, else the outcome is unknown; nil keeps nothing.
	Cursor []byte
}

// ProcessCode is upstream's process_code in decimal digits. Upstream sends it
// as a number or as a string; both read the same here. The empty code means
// that upstream sent none, which is not the code "0".
type ProcessCode string

// Prechecker is a further power of an Upstream. Submit asks it before it hands
// in a form, so that a form which would be refused anyway is not sent and
// spends no attempt. *juxinli.Guard has it, for operators that are offline.
type Prechecker interface {
	// Check returns why the form should not be sent; Submit returns that error,
	// wrapped in an *Error. It returns nil for what it can't find out, and
	// should take no more than a second or two.
	Check(ctx context.Context, f Form) error
}

// Reporter reports how the collection goes on after a verification is done:
// whether upstream has its report. It is not part of Upstream, since it needs
// other credentials; *juxinli.Data is one.
type Reporter interface {
	// ReportState asks about the application with this token. It only reads, and
	// may be called again; it is safe for concurrent use. The token belongs to
	// the caller. Any error means that the machine asks again later; it contains
	// no token and no body.
	ReportState(ctx context.Context, token Secret) (ReportState, error)
}

// ReportState is how far the collection of a verification that is done has come.
type ReportState string

// The states of a report.
const (
	ReportStatePending ReportState = "pending" // ask again later
	ReportStateReady   ReportState = "ready"   // it can be fetched
	ReportStateFailed  ReportState = "failed"  // there will be none
)
