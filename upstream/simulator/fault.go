package simulator

import "time"

// Fault breaks one response. The zero Fault breaks nothing.
type Fault struct {
	kind        faultKind
	unprocessed bool // the request has no effect
	wait        time.Duration
	to          string
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

// processed reports whether the request takes effect.
func (f Fault) processed() bool { return !f.unprocessed }

// DropBeforeReading resets the connection before the request is read. The request
// has no effect.
func DropBeforeReading() Fault { return Fault{kind: dropBeforeReading, unprocessed: true} }

// DropAfterReading processes the request and resets the connection: the reply is
// lost.
func DropAfterReading() Fault { return Fault{kind: dropAfterReading} }

// SlowHeader processes the request and waits before it responds. If the request's
// context ends or the Server is closed during the wait, the connection is reset.
func SlowHeader(wait time.Duration) Fault { return Fault{kind: slowHeader, wait: wait} }

// SlowBody processes the request and waits, as SlowHeader does, in the middle of
// the response.
func SlowBody(wait time.Duration) Fault { return Fault{kind: slowBody, wait: wait} }

// Truncated processes the request and responds with 200 and half of the JSON, in a
// complete HTTP response.
func Truncated() Fault { return Fault{kind: truncated} }

// Garbage processes the request and responds with 200 and a body that is not JSON.
func Garbage() Fault { return Fault{kind: garbage} }

// ServerError responds with 503, after the request was processed or without.
func ServerError(processed bool) Fault { return Fault{kind: serverError, unprocessed: !processed} }

// Redirect processes the request and responds with 307 to another address.
func Redirect(to string) Fault { return Fault{kind: redirect, to: to} }

// Reset processes the request and resets the connection in the middle of the
// response.
func Reset() Fault { return Fault{kind: resetMidway} }

// Oversized processes the request and responds with 5 MiB of JSON.
func Oversized() Fault { return Fault{kind: oversized} }

// HTML processes the request and responds with 200 and a web page as text/html.
func HTML() Fault { return Fault{kind: html} }

// UnseenCode processes the request and responds with Code(NeverSeen).
func UnseenCode() Fault { return Fault{kind: unseenCode} }
