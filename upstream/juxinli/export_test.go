package juxinli

import (
	"context"
	"net"
	"time"
)

// What the fuzzers drive.
var (
	DecodeReply   = decodeReply
	DecodeReceipt = decodeReceipt
	EncodeRequest = encodeRequest
	EncodeForm    = encodeForm
)

// What refused writes return.
var (
	ErrLate = errLate
	ErrOver = errOver
)

// Wire is one request's connection.
type Wire struct{ w *wire }

// NewWire makes a wire whose deadlines by the two clocks, and whose context's
// error, are as the test says.
func NewWire(deadline, wall time.Time, ended func() error) Wire {
	return Wire{&wire{deadline: deadline, wall: wall, ended: ended, connect: time.Minute}}
}

// Watch puts a connection under the wire's watch, as dial does.
func (w Wire) Watch(conn net.Conn) net.Conn {
	return &watched{Conn: &timely{Conn: conn, wire: w.w}, wire: w.w}
}

// Dial connects as http.Transport does.
func (w Wire) Dial(ctx context.Context, address string) (net.Conn, error) {
	return w.w.dial(ctx, "tcp", address)
}

// Seal tells whether nothing was written.
func (w Wire) Seal() bool { return w.w.seal() }

// Going is the context error of a call that goes on.
func Going() error { return context.Background().Err() }

// NewPayload makes a body of b.
func NewPayload(b []byte) interface {
	Read(b []byte) (int, error)
	Wipe()
} {
	return wipeable{&payload{left: b}}
}

type wipeable struct{ *payload }

// Wipe overwrites the body.
func (p wipeable) Wipe() { p.wipe() }
