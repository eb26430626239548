package juxinli

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// wire is the connection of one request, and the certainty whether a byte of
// it was written.
//
// The certainty comes from the connection that net/http writes to, and not
// from httptrace: WroteHeaders is told after the bytes have gone, and GotConn
// long before. TLS is done below that connection, in dialTLS, so that a
// handshake's bytes don't count; behind a proxy they do, and so does CONNECT,
// which errs on the side of unknown.
type wire struct {
	tls      *tls.Config
	connect  time.Duration
	ended    func() error // of the call's context
	deadline time.Time
	wall     time.Time // the deadline by the wall clock, which goes on while a machine sleeps
	state    atomic.Int32
}

// The states of a wire. It leaves untouched once: a first write and a seal
// can't both win.
const (
	untouched int32 = iota
	written
	sealed
)

func newWire(ctx context.Context, c Config) *wire {
	deadline, _ := ctx.Deadline()
	return &wire{
		tls: c.TLS, connect: c.DialTimeout, ended: ctx.Err, deadline: deadline, wall: deadline.Round(0),
	}
}

// seal tells whether nothing was written, and sees to it that nothing will be.
func (w *wire) seal() bool {
	return w.state.CompareAndSwap(untouched, sealed) || w.state.Load() == sealed
}

// late is an error matching errLate once nothing more may be sent. It looks at
// the clocks itself: in a process that stood still the context's timer may not
// have run yet.
func (w *wire) late() error {
	now := time.Now()
	if !now.Before(w.deadline) || !now.Before(w.wall) {
		return errLate
	}
	if err := w.ended(); err != nil {
		return errors.Join(errLate, err)
	}
	return nil
}

// dial connects without TLS: to loopback or to a proxy.
func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.connect)
	defer cancel()
	conn, err := w.open(ctx, network, address)
	if err != nil {
		return nil, &ConnectError{Err: err}
	}
	return &watched{Conn: conn, wire: w}, nil
}

// dialTLS connects and shakes hands.
func (w *wire) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.connect)
	defer cancel()
	conn, err := w.open(ctx, network, address)
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
	return &watched{Conn: secure, wire: w}, nil
}

// open dials a connection that refuses to write too late.
func (w *wire) open(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetWriteDeadline(w.deadline) // for a write that is under way by then
	return &timely{Conn: conn, wire: w}, nil
}

// timely is the connection below TLS. It looks at the clock right before each
// write, after all that could have taken time.
type timely struct {
	net.Conn
	wire *wire
}

// Write writes nothing once it is late.
func (c *timely) Write(b []byte) (int, error) {
	if err := c.wire.late(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// watched is the connection above TLS: all that is written to it is the
// request. It notes the first write, before it happens.
type watched struct {
	net.Conn
	wire *wire
}

// Write writes nothing once it is late or the wire is sealed.
func (c *watched) Write(b []byte) (int, error) {
	if err := c.wire.late(); err != nil {
		return 0, err
	}
	first := c.wire.state.CompareAndSwap(untouched, written)
	if !first && c.wire.state.Load() == sealed {
		return 0, errOver
	}
	n, err := c.Conn.Write(b)
	if first && n == 0 && errors.Is(err, errLate) {
		// timely refused the first record whole: no byte left after all. TLS
		// is broken by that and lets nothing follow, and the seal makes sure.
		c.wire.state.Store(sealed)
	}
	return n, err
}
