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

// do makes one request on a connection of its own and returns the body of a
// JSON answer. The path may have a query, and {org} in the place of the org.
// Its error matches carrierfsm.ErrNotSent where no byte of the request was
// written, and none will be.
func (c *Client) do(ctx context.Context, method, path string, body *payload) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	seen := carrierfsm.Exchanged{Failure: failedByPanic}
	end := c.observe(ctx, method, path)
	defer func() { end(seen) }()
	w := newWire(ctx, c.cfg)
	answer, err := c.exchange(ctx, w, method, path, body, &seen)
	seen.Failure = failure(err)
	if err != nil && w.seal() {
		seen.NotSent = true
		return nil, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	return answer, err
}

func (c *Client) exchange(
	ctx context.Context, w *wire, method, path string, body *payload, seen *carrierfsm.Exchanged,
) ([]byte, error) {
	path = strings.Replace(path, "{org}", url.PathEscape(c.cfg.Org), 1)
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, nil)
	if err != nil {
		return nil, errors.New("the request can't be made")
	}
	r.Header.Set("User-Agent", c.cfg.UserAgent)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		// Without GetBody, so that net/http has nothing to send again.
		r.Body, r.ContentLength = body, body.size()
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	transport := c.transport(w)
	defer transport.CloseIdleConnections()
	// A Transport by itself, without http.Client: no redirects, no cookies.
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, discreet(err)
	}
	defer func() { _ = answer.Body.Close() }()
	seen.Status, seen.Version = answer.StatusCode, strings.TrimPrefix(answer.Proto, "HTTP/")
	return c.read(answer)
}

// transport is for one request.
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
		return nil, discreet(err)
	}
	if int64(len(body)) > c.cfg.MaxBody {
		return nil, ErrTooLarge
	}
	return body, nil
}
