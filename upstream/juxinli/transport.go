package juxinli

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// What an answer can be that is no reply. Upstream has perhaps acted on the
// request all the same.
var (
	// ErrNotJSON is returned for an answer of another content type.
	ErrNotJSON = errors.New("the answer is not JSON")
	// ErrTooLarge is returned for an answer longer than Config.MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrMalformed is returned for JSON that is none of the API's.
	ErrMalformed = errors.New("the answer is not one of this API")
)

// StatusError is returned for an HTTP status other than 2xx. Redirects are
// among them: they are not followed.
type StatusError struct {
	// Status is the HTTP status code.
	Status int
}

// Error names the status.
func (e *StatusError) Error() string { return fmt.Sprintf("HTTP status %d", e.Status) }

// do makes one request on a connection of its own and returns the body of a
// JSON answer. Its error matches carrierfsm.ErrNotSent where no byte of the
// request was written, and none will be.
func (c *Client) do(ctx context.Context, method string, body []byte, path ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	w := &wire{dialer: net.Dialer{Timeout: c.cfg.DialTimeout}, tls: c.cfg.TLS, handshake: c.cfg.DialTimeout}
	deadline, _ := ctx.Deadline()
	w.deadline = deadline.Round(0) // by the wall clock, which goes on while a machine sleeps
	transport := w.transport(c.cfg)
	defer transport.CloseIdleConnections()

	answer, err := c.exchange(ctx, transport, method, body, path)
	if err != nil && w.seal() {
		return nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	return answer, err
}

func (c *Client) exchange(ctx context.Context, transport *http.Transport, method string, body []byte, path []string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.at(path), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request can't be made")
	}
	r.GetBody = nil // nobody shall be able to send it twice
	r.Header.Set("User-Agent", c.cfg.UserAgent)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	// A Transport by itself, without http.Client: no redirects, no cookies.
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	return c.read(answer)
}

func (c *Client) read(answer *http.Response) ([]byte, error) {
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return nil, &StatusError{Status: answer.StatusCode}
	}
	kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "text/json" {
		return nil, ErrNotJSON
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, c.cfg.MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return nil, ErrTooLarge
	}
	return body, nil
}

// wire is the connection of one request, and the certainty whether a byte of
// it was written.
type wire struct {
	dialer    net.Dialer
	tls       *tls.Config
	handshake time.Duration
	deadline  time.Time
	state     atomic.Int32
}

// The states of a wire. It leaves untouched once: a first write and a seal
// can't both win.
const (
	untouched int32 = iota
	written
	sealed
)

// seal tells whether nothing was written, and sees to it that nothing will be.
func (w *wire) seal() bool {
	return w.state.CompareAndSwap(untouched, sealed) || w.state.Load() == sealed
}

// transport is for one request. Without a proxy, TLS is done in dialTLS, so
// that only bytes of the request count as written.
func (w *wire) transport(c Config) *http.Transport {
	return &http.Transport{
		Proxy:                  c.Proxy,
		DialContext:            w.dial,
		DialTLSContext:         w.dialTLS,
		TLSClientConfig:        c.TLS, // behind a proxy
		TLSHandshakeTimeout:    c.DialTimeout,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := w.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &watched{Conn: conn, wire: w}, nil
}

func (w *wire) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := w.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := w.tls.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	ctx, cancel := context.WithTimeout(ctx, w.handshake)
	defer cancel()
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &watched{Conn: secure, wire: w}, nil
}

// watched is a connection that notes the first write, and writes nothing
// after the deadline: a process that stood still must not send what others
// have given up.
type watched struct {
	net.Conn
	wire *wire
}

var (
	errLate   = errors.New("the deadline has passed")
	errSealed = errors.New("the call is over")
)

func (c *watched) Write(b []byte) (int, error) {
	if !c.wire.deadline.IsZero() && !time.Now().Before(c.wire.deadline) {
		return 0, errLate
	}
	if !c.wire.state.CompareAndSwap(untouched, written) && c.wire.state.Load() == sealed {
		return 0, errSealed
	}
	return c.Conn.Write(b)
}
