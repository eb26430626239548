package simulator

import "time"

// Fault breaks the delivery of one answer. The zero Fault breaks nothing.
type Fault struct {
	kind  faultKind
	spare bool // the request is not acted on
	wait  time.Duration
	to    string
}

type faultKind int

const (
	noFault faultKind = iota
	dropBeforeReading
	dropAfterReading
	slowHeader
	slowBody
	truncated
	garbage
	serverError
	redirect
	resetMidway
	oversized
	html
	unseenCode
)

// acts tells whether the request is acted on before its answer is broken.
func (f Fault) acts() bool { return !f.spare }

// DropBeforeReading hangs up before the request is read: nothing was acted on.
func DropBeforeReading() Fault { return Fault{kind: dropBeforeReading, spare: true} }

// DropAfterReading acts on the request and hangs up: the reply is lost.
func DropAfterReading() Fault { return Fault{kind: dropAfterReading} }

// SlowHeader acts on the request and waits before it says anything. The wait
// ends early, and the connection with it, when the client leaves or the Server
// is closed.
func SlowHeader(wait time.Duration) Fault { return Fault{kind: slowHeader, wait: wait} }

// SlowBody acts on the request and waits, as SlowHeader does, in the middle of
// the reply.
func SlowBody(wait time.Duration) Fault { return Fault{kind: slowBody, wait: wait} }

// Truncated acts on the request and answers 200 with half of the JSON, as if
// that were all.
func Truncated() Fault { return Fault{kind: truncated} }

// Garbage acts on the request and answers 200 with what is no JSON.
func Garbage() Fault { return Fault{kind: garbage} }

// ServerError answers 503. acted tells whether the request is acted on first.
func ServerError(acted bool) Fault { return Fault{kind: serverError, spare: !acted} }

// Redirect acts on the request and answers 307 to another address.
func Redirect(to string) Fault { return Fault{kind: redirect, to: to} }

// Reset acts on the request and resets the connection in the middle of the reply.
func Reset() Fault { return Fault{kind: resetMidway} }

// Oversized acts on the request and answers with 5 MiB of JSON.
func Oversized() Fault { return Fault{kind: oversized} }

// HTML acts on the request and answers 200 with a web page, and says it is one.
func HTML() Fault { return Fault{kind: html} }

// UnseenCode acts on the request and answers with the code NeverSeen and
// nothing else to go by.
func UnseenCode() Fault { return Fault{kind: unseenCode} }
