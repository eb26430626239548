package sendonce

import (
	"context"
	"net"
	"time"
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
