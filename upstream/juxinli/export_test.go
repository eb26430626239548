package juxinli

import (
	"context"
	"net"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// For the fuzz tests.
var (
	DecodeReply   = decodeReply
	DecodeReceipt = decodeReceipt
	EncodeRequest = encodeRequest
	EncodeForm    = encodeForm
)

// Why a connection refuses to write.
var (
	ErrTooLate   = errTooLate
	ErrCallEnded = errCallEnded
)

// Wire is the connection of one request.
type Wire struct{ wire *wire }

// NewWire returns a wire with the deadlines by the two clocks, and a function for
// the context's error.
func NewWire(deadline, wall time.Time, ended func() error) Wire {
	return Wire{&wire{deadline: deadline, wallDeadline: wall, contextErr: ended, dialTimeout: time.Minute}}
}

// Watch wraps a connection as dial does.
func (w Wire) Watch(conn net.Conn) net.Conn {
	return &requestConn{Conn: &deadlineConn{Conn: conn, wire: w.wire}, wire: w.wire}
}

// Dial connects without TLS.
func (w Wire) Dial(ctx context.Context, address string) (net.Conn, error) {
	return w.wire.dial(ctx, "tcp", address)
}

// Seal reports whether nothing was written, and prevents all later writes.
func (w Wire) Seal() bool { return w.wire.seal() }

// NotEnded is the contextErr of a call that is running.
func NotEnded() error { return context.Background().Err() }

// NewPayload returns a payload of b.
func NewPayload(b []byte) interface {
	Read(b []byte) (int, error)
	Wipe()
} {
	return wipeable{&payload{body: b}}
}

type wipeable struct{ *payload }

// Wipe overwrites the body.
func (p wipeable) Wipe() { p.wipe() }

// Decoded is a response to a data call, decoded for each of the calls.
type Decoded struct {
	Access, Code      string
	State             JobState
	Report, Raw       Document
	StateErr          error
	ReportErr, RawErr error
}

// DecodeData decodes a response to a data call.
func DecodeData(answer []byte) (d Decoded, err error) {
	e, err := unwrapData(answer)
	if err != nil {
		return d, err
	}
	d.Access, d.Code = string(e.Access), string(e.Code)
	d.State, d.StateErr = e.job()
	d.Report, d.ReportErr = e.report()
	d.Raw, d.RawErr = e.raw()
	return d, nil
}

// ErrNoData is returned for an absent document.
var ErrNoData = errNoData

// Retry makes a call with retries.
var Retry = retry

// Tokens caches an access token that is valid until upstream refuses it.
type Tokens struct{ t tokens }

// NewTokens returns a cache that fetches tokens with fetch.
func NewTokens(fetch func(context.Context) (carrierfsm.Secret, error)) *Tokens {
	return &Tokens{tokens{fetch: fetch, timeout: time.Minute, now: time.Now}}
}

// Get returns the number of a valid token with a number above after.
func (t *Tokens) Get(ctx context.Context, after int) (int, error) {
	token, err := t.t.get(ctx, after)
	return token.number, err
}

// Flight is a flight of calls that return a string.
type Flight struct{ f flight[string] }

// Do shares a call.
func (f *Flight) Do(ctx context.Context, limit time.Duration, call func(context.Context) (string, error)) (string, error) {
	return f.f.do(ctx, limit, call)
}
