// Package sendonce is the HTTP client for adapters: for packages that implement
// carrierfsm.Upstream. It sends a request once or not at all, and says with certainty
// which requests were not sent.
//
// A Client makes one HTTP request for each Do and never repeats it. Every request
// opens a new connection, since net/http may send a request again when a reused one
// breaks. The client follows no redirect, keeps no cookies, speaks HTTPS only (HTTP to
// loopback) and HTTP/1.1 only, uses no proxy unless configured, and reads a bounded
// amount of JSON.
//
// An error that matches carrierfsm.ErrNotSent is certain: no byte of the request was
// written, and none will be. After every other error the outcome is unknown: the
// server may have acted on the request. No error contains text of a response, as a
// response may repeat what was sent.
package sendonce

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Client makes the requests. It is safe for concurrent use and keeps nothing between
// them.
type Client struct {
	cfg  Config
	base *url.URL
}

// New checks the configuration. It returns an error for a BaseURL that Config does
// not allow, and for a bound that is negative or too large.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	return &Client{cfg: c, base: base}, nil
}

// Request is one request.
type Request struct {
	// Method is the HTTP method.
	Method string
	// Path is appended to the BaseURL. It begins with a slash, is escaped (see
	// url.PathEscape), and may have a query.
	Path string
	// Template is the Path with names in place of its values: "/tasks/{id}". It is
	// what the Observer gets, so it must contain no value. Empty means unknown.
	Template string
	// Header is sent beside the headers that Do sets: User-Agent, Accept, and
	// Content-Type for a body. Nil means none.
	Header http.Header
	// Body is JSON. Do overwrites it before it returns: it usually contains secrets.
	// Nil means none.
	Body []byte
	// Statuses are those outside of 2xx that the API answers with. Do returns their
	// responses; any other status is a *StatusError. Nil means none.
	Statuses []int
	// MaxBody replaces Config.MaxBody for this request. 0 means that it does not.
	MaxBody int64
}

// Format prints the method and the template.
func (r Request) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%s %s", r.Method, r.Template) }

// Response is a complete response of JSON.
type Response struct {
	// Status is the HTTP status code: 2xx, or one of Request.Statuses.
	Status int
	// Body is the body. It may repeat what was sent. It belongs to the caller.
	Body []byte
}

// Format prints the status.
func (r Response) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "status %d", r.Status) }

// Do makes one request on a new connection and returns the response. The request is
// sent before the deadline of ctx and of Config.Timeout, or not at all. The error
// matches carrierfsm.ErrNotSent if no byte of the request was written, and none will
// be; otherwise it is or wraps ErrBroken, ErrNotJSON, ErrTooLarge or a *StatusError.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	body := &payload{body: r.Body}
	defer body.wipe()
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	result := carrierfsm.ExchangeDone{Failure: failurePanic}
	done := c.observe(ctx, r)
	defer func() { done(result) }()
	w := newWire(ctx, c.cfg)
	response, err := c.exchange(ctx, w, r, body, &result)
	result.Failure = failureOf(err)
	if err != nil && w.seal() {
		result.NotSent = true
		return Response{}, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	return response, err
}

// errRequest is returned for a request that can't be built. The error of net/http
// quotes the URL.
var errRequest = errors.New("the request can't be built")

func (c *Client) exchange(
	ctx context.Context, w *wire, in Request, body *payload, result *carrierfsm.ExchangeDone,
) (Response, error) {
	r, err := http.NewRequestWithContext(ctx, in.Method, strings.TrimSuffix(c.base.String(), "/")+in.Path, nil)
	if err != nil || !strings.HasPrefix(in.Path, "/") {
		return Response{}, errRequest
	}
	if in.Header != nil {
		r.Header = in.Header.Clone()
	}
	r.Header.Set("User-Agent", c.cfg.UserAgent)
	r.Header.Set("Accept", "application/json")
	if in.Body != nil {
		// Without GetBody net/http can't send the body again.
		r.Body, r.ContentLength = body, body.size()
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	transport := c.transport(w)
	defer transport.CloseIdleConnections()
	// A Transport without http.Client follows no redirects and keeps no cookies.
	response, err := transport.RoundTrip(r)
	if err != nil {
		return Response{}, redactError(err)
	}
	defer func() { _ = response.Body.Close() }()
	result.Status, result.Version = response.StatusCode, strings.TrimPrefix(response.Proto, "HTTP/")
	return read(response, in.Statuses, min(cmp.Or(in.MaxBody, c.cfg.MaxBody), LargestBody))
}

// transport returns a transport for one request.
func (c *Client) transport(w *wire) *http.Transport {
	return &http.Transport{
		Proxy:                  c.cfg.Proxy,
		DialContext:            w.dial,
		DialTLSContext:         w.dialTLS,
		TLSClientConfig:        c.cfg.TLS, // behind a proxy
		TLSHandshakeTimeout:    c.cfg.DialTimeout,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1 only
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// read reads a response whose body is not longer than maxBody.
func read(response *http.Response, statuses []int, maxBody int64) (Response, error) {
	status := response.StatusCode
	if (status < 200 || status > 299) && !slices.Contains(statuses, status) {
		return Response{}, &StatusError{Status: status}
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "text/json" {
		return Response{}, ErrNotJSON
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return Response{}, redactError(err)
	}
	if int64(len(body)) > maxBody {
		return Response{}, ErrTooLarge
	}
	return Response{Status: status, Body: body}, nil
}
