package carrierfsm

import (
	"context"
	"fmt"
	"log/slog"
)

// Upstream is the aggregator's API, one of the two ports of this package;
// upstream/juxinli is the real client, and fsmtest.TestUpstream is the
// contract as a test for any other.
//
// Both methods are safe for concurrent use and keep no state of their own
// between calls. They do one thing at most once: an implementation may poll
// inside a call, but it sends the secrets of a Request in one request only and
// never repeats a request of which a byte was written. The context carries the
// absolute deadline of the call; after it nothing more is sent.
//
// A returned error that matches ErrNotSent promises that upstream received no
// byte of the request. Every other error means that the outcome is unknown:
// upstream may have received the request and may have acted on it. No error
// carries a token, a number, a secret or a body.
type Upstream interface {
	// Apply hands in the person's form. A refusal of the form is no error: it
	// is a Receipt with Accepted false. An accepted Receipt has a Token and a
	// Source with a Website.
	Apply(ctx context.Context, a Application) (Receipt, error)

	// Collect relays one answer of the person and returns what upstream
	// replied. A refusal is no error: it is a Reply.
	Collect(ctx context.Context, r Request) (Reply, error)
}

// Application is what Apply sends. It holds personal data: it is passed
// through and never stored, and it prints redacted.
type Application struct {
	// Form is the person's form.
	Form Form
}

// Receipt is upstream's answer to an application.
type Receipt struct {
	// Accepted tells whether the form was accepted.
	Accepted bool
	// Message is upstream's text for the person; it may be empty.
	Message string
	// Token names the application in all later requests.
	Token string
	// Source is the data source to begin with.
	Source Source
}

// Source is one data source: one website of one operator.
type Source struct {
	// Website is upstream's name of it, "chinamobilejs" for instance.
	Website string `json:"website"`
	// Name is what a person calls it, "江苏移动" for instance.
	Name string `json:"name,omitempty"`
	// Online tells whether upstream serves it at present.
	Online bool `json:"online,omitempty"`
	// ResetMethod tells whether and how the password can be reset there.
	ResetMethod ResetMethod `json:"reset,omitempty"`
}

func (s *Source) fields(f *fields) {
	f.string("website", &s.Website, keep)
	f.string("name", &s.Name, omit)
	f.flag("online", &s.Online)
	number(f, "reset", &s.ResetMethod, omit)
	f.end()
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

// possible tells whether the method is one that upstream offers.
func (m ResetMethod) possible() bool { return m == ResetBySMS || m == ResetWithNewPassword }

// Request is what Collect sends: one input of the person. It prints redacted.
// Its secrets are destroyed when the call has returned; an implementation
// that needs a value reads it by Secret.Use and keeps no copy.
type Request struct {
	// Input tells what is being answered, and so which of the secrets below
	// are meant: InputPassword, InputQueryPassword, InputCaptcha,
	// InputResendCaptcha, InputRequestReset (the code of a reset, the first time
	// and again), InputResetCaptcha, InputSkipSource. An implementation sends no
	// others, and returns an error matching ErrNotSent for what it can't do.
	Input InputKind
	// Token, Website and Account (the phone number) name the person's run.
	Token, Website, Account string
	// Password accompanies InputPassword, and codes where it is still held.
	Password Secret
	// QueryPassword accompanies InputQueryPassword.
	QueryPassword Secret
	// Captcha accompanies InputCaptcha and InputResetCaptcha.
	Captcha Secret
	// NewPassword accompanies InputResetCaptcha where the source's ResetMethod
	// is ResetWithNewPassword.
	NewPassword Secret
	// Cursor is what the implementation returned in the latest Reply.
	Cursor []byte
}

// Reply is upstream's answer to a Request, decoded but not judged: the reply
// table judges it. It prints without its Content.
type Reply struct {
	// Success is upstream's own "success".
	Success bool
	// Code is the process code; empty where upstream sent none.
	Code ProcessCode
	// Type is data.type: CONTROL, ERROR, RUNNING, TIP, or whatever came.
	Type string
	// Template is req_msg_tpl.type: what upstream wants to be sent next.
	Template string
	// Finish is data.finish; false where upstream sent none.
	Finish bool
	// Next is the next data source, nil where there is none.
	Next *Source
	// AlreadyCollected tells that upstream said, in words, that this website
	// was collected before. Only the adapter reads words.
	AlreadyCollected bool
	// Content is upstream's text for the person; it may be empty.
	Content string
	// Cursor is kept with the verification and handed back with the next
	// Request: an adapter's only memory. It must stay small and hold no
	// secret; nil keeps nothing.
	Cursor []byte
}

// ProcessCode is upstream's process_code in decimal digits. Upstream sends it
// as a number or as a string; both read the same here. The empty code means
// that none came, which is not the code "0".
type ProcessCode string

const redacted = "[redacted]"

// These types pass through the host's and the adapter's hands, where a
// careless %v would put a person into a log.

// Format prints the type's name and nothing of its value.
func (Application) Format(f fmt.State, _ rune) { printRedacted(f, "Application") }

// Format prints the type's name and nothing of its value.
func (Receipt) Format(f fmt.State, _ rune) { printRedacted(f, "Receipt") }

// Format prints which input it is and nothing else.
func (r Request) Format(f fmt.State, _ rune) { printRedacted(f, "Request "+string(r.Input)) }

// Format prints the reply without its content.
func (r Reply) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "Reply success=%t code=%q type=%q tpl=%q finish=%t next=%t",
		r.Success, string(r.Code), r.Type, r.Template, r.Finish, r.Next != nil)
}

// LogValue is what slog shows.
func (Application) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue is what slog shows.
func (Receipt) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue is what slog shows.
func (r Request) LogValue() slog.Value { return slog.StringValue(string(r.Input) + " " + redacted) }

// LogValue is what slog shows.
func (r Reply) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// MarshalText is what JSON and XML show.
func (Application) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalText is what JSON and XML show.
func (Receipt) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalText is what JSON and XML show.
func (Request) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalText is what JSON and XML show.
func (r Reply) MarshalText() ([]byte, error) { return fmt.Append(nil, r), nil }

func printRedacted(f fmt.State, what string) {
	_, _ = fmt.Fprintf(f, "%s %s", what, redacted)
}
