package secondvendor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// errBroken is all that is told of a request that broke: net/http's own errors
// quote what they could not read.
var errBroken = errors.New("secondvendor: no whole answer came")

// maxAnswer bounds an answer, its header included.
const maxAnswer = 1 << 20

// dialTimeout is for a connection and its TLS handshake together.
const dialTimeout = 10 * time.Second

// send posts JSON, once.
func (c *Client) send(ctx context.Context, path string, body any) (task, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return task{}, fmt.Errorf("secondvendor: %w", carrierfsm.ErrNotSent)
	}
	defer clear(text)
	return c.exchange(ctx, http.MethodPost, path, text)
}

func (c *Client) get(ctx context.Context, path string) (task, error) {
	return c.exchange(ctx, http.MethodGet, path, nil)
}

// exchange makes one request on a connection of its own, without http.Client
// and http.Transport: there are no redirects, no proxies and nothing that would
// repeat a request. What fails before the first byte is certainly not sent;
// after it nothing is certain. (upstream/juxinli/wire.go draws the line even
// more closely, and looks at the clock below TLS.)
func (c *Client) exchange(ctx context.Context, method, path string, body []byte) (task, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, bytes.NewReader(body))
	if err != nil {
		return task{}, fmt.Errorf("secondvendor: no request: %w", carrierfsm.ErrNotSent)
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	c.cfg.Key.Use(func(key []byte) { r.Header.Set("Authorization", "Bearer "+string(key)) })

	conn, err := c.dial(ctx)
	if err != nil {
		return task{}, fmt.Errorf("secondvendor: no connection: %w", carrierfsm.ErrNotSent)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if over(ctx) {
		return task{}, fmt.Errorf("secondvendor: too late: %w", carrierfsm.ErrNotSent)
	}
	if err := r.Write(conn); err != nil {
		return task{}, errBroken
	}
	return read(conn, r)
}

// over looks at the clock itself: in a process that stood still the context's
// timer may not have run yet.
func over(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(deadline)
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	port := c.base.Port()
	if port == "" {
		port = c.base.Scheme // net knows both by name
	}
	address := net.JoinHostPort(c.base.Hostname(), port)
	if c.base.Scheme == "http" {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	return new(tls.Dialer).DialContext(ctx, "tcp", address)
}

// read reads a task, or a refusal.
func read(conn net.Conn, r *http.Request) (task, error) {
	answer, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxAnswer)), r)
	if err != nil {
		return task{}, errBroken
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return task{}, errBroken
	}
	var said struct {
		task
		Message string `json:"message"`
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") || json.Unmarshal(text, &said) != nil {
		return task{}, errStrange
	}
	switch status := answer.StatusCode; {
	case status == http.StatusConflict, status >= 200 && status < 300:
		if said.Phase == "" {
			return task{}, errStrange
		}
		return said.task, nil
	case refused[status]:
		return task{}, &refusal{said.Message}
	default:
		return task{}, errStrange
	}
}

// refused are the statuses that are about what was asked. The others of 4xx are
// about the key, or too many requests: no reason to end a verification.
var refused = map[int]bool{
	http.StatusBadRequest: true, http.StatusNotFound: true, http.StatusGone: true, http.StatusUnprocessableEntity: true,
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
