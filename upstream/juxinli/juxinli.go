// Package juxinli is a carrierfsm.Upstream: the client of the aggregator
// Juxinli (聚信立), REST v2 and v3.
//
// It makes one HTTP request a call and never repeats one. Every request has a
// connection of its own, so that net/http has no broken, reused connection to
// repeat it on. It follows no redirect, speaks HTTPS only (HTTP to loopback),
// uses no proxy unless told to, and reads a bounded amount of JSON.
package juxinli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Upstream = (*Client)(nil)

// Config is what a Client is made of. Org is required.
type Config struct {
	// BaseURL is where the API is. Defaults to "https://www.juxinli.com".
	BaseURL string
	// Org is the institution's account name, which stands in the paths.
	Org string
	// ApplicationsV3 hands the form in by version 3 of that call. Defaults to version 2.
	ApplicationsV3 bool
	// Timeout is for a whole call, beside the deadline of its context. Upstream
	// is slow: integrators wait 60 to 300 s. Defaults to 180 s.
	Timeout time.Duration
	// DialTimeout is for the connection with its handshake. Defaults to 10 s.
	DialTimeout time.Duration
	// TLS is the configuration of TLS. Defaults to Go's.
	TLS *tls.Config
	// Proxy chooses a proxy, as http.Transport's does. Through a proxy every
	// failure after the connection counts as unknown. Defaults to none; the
	// environment is not looked at unless this is http.ProxyFromEnvironment.
	Proxy func(*http.Request) (*url.URL, error)
	// MaxBody is the largest reply that is read, in bytes. Defaults to 1 MiB.
	MaxBody int64
	// UserAgent is sent with every request. Defaults to "carrierfsm".
	UserAgent string
}

// Client calls the API. It is safe for concurrent use and keeps nothing
// between calls.
type Client struct {
	cfg  Config
	base *url.URL
}

// New checks the configuration. It returns an error for a missing Org, a
// negative duration or size, or a BaseURL that is neither HTTPS nor loopback.
func New(c Config) (*Client, error) {
	if c.BaseURL == "" {
		c.BaseURL = "https://www.juxinli.com"
	}
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Host == "":
		return nil, errors.New("juxinli: BaseURL is no URL")
	case c.Org == "":
		return nil, errors.New("juxinli: Org is required")
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())):
		return nil, errors.New("juxinli: BaseURL must be HTTPS, or HTTP to loopback")
	case c.Timeout < 0 || c.DialTimeout < 0 || c.MaxBody < 0:
		return nil, errors.New("juxinli: a negative bound")
	}
	if c.Timeout == 0 {
		c.Timeout = 180 * time.Second
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = 10 * time.Second
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	if c.UserAgent == "" {
		c.UserAgent = "carrierfsm"
	}
	return &Client{cfg: c, base: base}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Apply hands in the form.
func (c *Client) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	version := "v2"
	if c.cfg.ApplicationsV3 {
		version = "v3"
	}
	answer, err := c.post(ctx, encodeForm(a.Form), "orgApi/rest", version, "applications", c.cfg.Org)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
	}
	receipt, err := decodeReceipt(answer)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
	}
	return receipt, nil
}

// types are the request types of what a person answers.
var types = map[carrierfsm.InputKind]string{
	carrierfsm.InputPassword:      "",
	carrierfsm.InputCaptcha:       "SUBMIT_CAPTCHA",
	carrierfsm.InputResendCaptcha: "RESEND_CAPTCHA",
	carrierfsm.InputQueryPassword: "SUBMIT_QUERY_PWD",
}

// Collect relays one answer. For an input that this API does not know it
// returns an error matching carrierfsm.ErrNotSent.
func (c *Client) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	kind, known := types[r.Input]
	if !known {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w: no request for %q", carrierfsm.ErrNotSent, r.Input)
	}
	answer, err := c.post(ctx, encodeRequest(kind, r), "orgApi/rest/v2/messages/collect/req")
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	reply, err := decodeReply(answer)
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	return reply, nil
}

// Datasources lists the data sources that the institution may use.
func (c *Client) Datasources(ctx context.Context) ([]carrierfsm.Source, error) {
	answer, err := c.do(ctx, http.MethodGet, nil, "orgApi/rest/v2/orgs", c.cfg.Org, "datasources")
	if err != nil {
		return nil, fmt.Errorf("juxinli: datasources: %w", err)
	}
	list, err := decodeSources(answer)
	if err != nil {
		return nil, fmt.Errorf("juxinli: datasources: %w", err)
	}
	return list, nil
}

// post sends JSON, and overwrites it afterwards.
func (c *Client) post(ctx context.Context, body []byte, path ...string) ([]byte, error) {
	defer clear(body)
	return c.do(ctx, http.MethodPost, body, path...)
}

// at is the URL of a path whose parts may hold anything.
func (c *Client) at(path []string) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), "%2F", "/")
	}
	return strings.TrimSuffix(c.base.String(), "/") + "/" + strings.Join(parts, "/")
}
