package juxinli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// do makes one request on a new connection and returns the body of a JSON
// response. The path may have a query, and {org} in place of the org. The error
// matches carrierfsm.ErrNotSent if no byte of the request was written, and none
// will be.
func (c *Client) do(ctx context.Context, method, path string, body *payload) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	result := carrierfsm.ExchangeDone{Failure: failurePanic}
	done := c.observe(ctx, method, path)
	defer func() { done(result) }()
	w := newWire(ctx, c.cfg)
	response, err := c.exchange(ctx, w, method, path, body, &result)
	result.Failure = failureOf(err)
	if err != nil && w.seal() {
		result.NotSent = true
		return nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	return response, err
}

func (c *Client) exchange(
	ctx context.Context, w *wire, method, path string, body *payload, result *carrierfsm.ExchangeDone,
) ([]byte, error) {
	path = strings.Replace(path, "{org}", url.PathEscape(c.cfg.Org), 1)
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, nil)
	if err != nil {
		return nil, errors.New("the request can't be built")
	}
	r.Header.Set("User-Agent", c.cfg.UserAgent)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		// Without GetBody net/http can't send the body again.
		r.Body, r.ContentLength = body, body.size()
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	transport := c.transport(w)
	defer transport.CloseIdleConnections()
	// A Transport without http.Client follows no redirects and keeps no cookies.
	response, err := transport.RoundTrip(r)
	if err != nil {
		return nil, redactError(err)
	}
	defer func() { _ = response.Body.Close() }()
	result.Status, result.Version = response.StatusCode, strings.TrimPrefix(response.Proto, "HTTP/")
	return c.read(response)
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

func (c *Client) read(response *http.Response) ([]byte, error) {
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, &StatusError{Status: response.StatusCode}
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "text/json" {
		return nil, ErrNotJSON
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.cfg.MaxBody+1))
	if err != nil {
		return nil, redactError(err)
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return nil, ErrTooLarge
	}
	return body, nil
}
