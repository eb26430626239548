package sendonce

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// wire is the connection of one request. It records whether a byte of the request
// was written.
//
// The record is made by the connection that net/http writes to, not by httptrace:
// WroteHeaders is called after the bytes were written, and GotConn long before.
// dialTLS does TLS below that connection, so the bytes of a handshake don't
// count. Through a proxy they do, and so does CONNECT: such a failure is unknown
// rather than not sent.
type wire struct {
	tls          *tls.Config
	dialTimeout  time.Duration
	contextErr   func() error
	deadline     time.Time
	wallDeadline time.Time // the same by the wall clock, which advances while the machine sleeps
	state        atomic.Int32
}

// The states of a wire. A compare-and-swap from untouched decides between the
// first write and the seal.
const (
	untouched int32 = iota
	written
	sealed
)

func newWire(ctx context.Context, c Config) *wire {
	deadline, _ := ctx.Deadline()
	return &wire{
		tls: c.TLS, dialTimeout: c.DialTimeout, contextErr: ctx.Err, deadline: deadline, wallDeadline: deadline.Round(0),
	}
}

// seal reports whether nothing was written; if so, it prevents all later writes.
func (w *wire) seal() bool {
	return w.state.CompareAndSwap(untouched, sealed) || w.state.Load() == sealed
}

// checkDeadline returns an error matching errTooLate once nothing more may be
// sent. It reads the clocks itself: after a pause of the process the context's
// timer may not have fired yet.
func (w *wire) checkDeadline() error {
	now := time.Now()
	if !now.Before(w.deadline) || !now.Before(w.wallDeadline) {
		return errTooLate
	}
	if err := w.contextErr(); err != nil {
		return errors.Join(errTooLate, err)
	}
	return nil
}

// dial connects without TLS: to loopback or to a proxy.
func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.dialTimeout)
	defer cancel()
	conn, err := w.dialTCP(ctx, network, address)
	if err != nil {
		return nil, &ConnectError{Err: err}
	}
	return &requestConn{Conn: conn, wire: w}, nil
}

// dialTLS connects and does the TLS handshake.
func (w *wire) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.dialTimeout)
	defer cancel()
	conn, err := w.dialTCP(ctx, network, address)
	if err != nil {
		return nil, &ConnectError{Err: err}
	}
	config := w.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &ConnectError{Err: err}
	}
	return &requestConn{Conn: secure, wire: w}, nil
}

// dialTCP opens a connection that refuses writes after the deadline.
func (w *wire) dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetWriteDeadline(w.deadline) // ends a write that is in progress
	return &deadlineConn{Conn: conn, wire: w}, nil
}

// deadlineConn is the connection below TLS. It checks the deadline immediately
// before each write.
type deadlineConn struct {
	net.Conn
	wire *wire
}

// Write writes nothing after the deadline.
func (c *deadlineConn) Write(b []byte) (int, error) {
	if err := c.wire.checkDeadline(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// requestConn is the connection above TLS: only the request is written to it. It
// records the first write before it happens.
type requestConn struct {
	net.Conn
	wire *wire
}

// Write writes nothing after the deadline, or once the wire is sealed.
func (c *requestConn) Write(b []byte) (int, error) {
	if err := c.wire.checkDeadline(); err != nil {
		return 0, err
	}
	first := c.wire.state.CompareAndSwap(untouched, written)
	if !first && c.wire.state.Load() == sealed {
		return 0, errCallEnded
	}
	n, err := c.Conn.Write(b)
	if first && n == 0 && errors.Is(err, errTooLate) {
		// deadlineConn refused the first TLS record, so no byte was sent. The TLS
		// connection is broken after that; the seal makes sure that nothing follows.
		c.wire.state.Store(sealed)
	}
	return n, err
}
