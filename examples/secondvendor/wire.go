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

// errBroken replaces errors of net/http, which quote what they can't parse.
var errBroken = errors.New("secondvendor: no complete response")

// maxResponse bounds a response, including its header.
const maxResponse = 1 << 20

// dialTimeout bounds a connection and its TLS handshake together.
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

// exchange makes one request on a new connection, without http.Client and
// http.Transport: so there are no redirects, no proxies and no retries. A failure
// before the first byte is written is certainly not sent; after it the outcome is
// unknown. (upstream/juxinli/wire.go is more precise: it checks the deadline below
// TLS, too.)
func (c *Client) exchange(ctx context.Context, method, path string, body []byte) (task, error) {
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, bytes.NewReader(body))
	if err != nil {
		return task{}, fmt.Errorf("secondvendor: the request can't be built: %w", carrierfsm.ErrNotSent)
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
	if ended(ctx) {
		return task{}, fmt.Errorf("secondvendor: the deadline for sending has passed: %w", carrierfsm.ErrNotSent)
	}
	if err := r.Write(conn); err != nil {
		return task{}, errBroken
	}
	return read(conn, r)
}

// ended reports whether ctx has ended. It reads the clock itself: after a pause of
// the process the context's timer may not have fired yet.
func ended(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(deadline)
}

func (c *Client) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	port := c.base.Port()
	if port == "" {
		port = c.base.Scheme // net resolves "http" and "https"
	}
	address := net.JoinHostPort(c.base.Hostname(), port)
	if c.base.Scheme == "http" {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	return new(tls.Dialer).DialContext(ctx, "tcp", address)
}

// read reads a response: a task, or a refusal.
func read(conn net.Conn, r *http.Request) (task, error) {
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxResponse)), r)
	if err != nil {
		return task{}, errBroken
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return task{}, errBroken
	}
	var body struct {
		task
		Message string `json:"message"`
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") || json.Unmarshal(text, &body) != nil {
		return task{}, errMalformed
	}
	switch status := response.StatusCode; {
	case status == http.StatusConflict, status >= 200 && status < 300:
		if body.Phase == "" {
			return task{}, errMalformed
		}
		return body.task, nil
	case refusalStatus[status]:
		return task{}, &refusal{body.Message}
	default:
		return task{}, errMalformed
	}
}

// refusalStatus has the statuses that refuse the request's content. The others of
// 4xx are about the key or the rate, which must not end a verification.
var refusalStatus = map[int]bool{
	http.StatusBadRequest: true, http.StatusNotFound: true, http.StatusGone: true, http.StatusUnprocessableEntity: true,
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
