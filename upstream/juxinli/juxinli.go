// Package juxinli is a carrierfsm.Upstream: the client of the aggregator
// Juxinli (聚信立), REST v2 and v3.
//
// A call makes one HTTP request by a sendonce.Client and never repeats it, except for
// the data calls of Client.Data, which only read.
//
// An error that matches carrierfsm.ErrNotSent is certain: no byte of the request
// was written, and none will be. After every other error the outcome is unknown: it
// is one of package sendonce or matches ErrMalformed. No error contains text of a
// response.
package juxinli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

var (
	_ carrierfsm.Upstream   = (*Client)(nil)
	_ carrierfsm.Prechecker = (*Client)(nil)
)

// ErrNoChoice is returned for a form with Sources if Config.ApplicationsV3 is not
// set. Nothing was sent: version 2 of the call would ignore them.
var ErrNoChoice = errors.New("juxinli: version 2 of the application takes no choice of data sources")

// ErrMalformed is returned for JSON that does not follow the API. The outcome is
// unknown.
var ErrMalformed = errors.New("the response does not follow the API")

// Client calls the API. It is safe for concurrent use and keeps nothing
// between calls.
type Client struct {
	cfg  Config
	http *sendonce.Client
}

// New checks the configuration. It returns an error for a missing Org, a bound
// that is negative or too large, or a BaseURL that Config does not allow.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	if c.Org == "" {
		return nil, errors.New("juxinli: Org is required")
	}
	client, err := sendonce.New(sendonce.Config{
		BaseURL: c.BaseURL, Timeout: c.Timeout, DialTimeout: c.DialTimeout, TLS: c.TLS, Proxy: c.Proxy, MaxBody: c.MaxBody,
		UserAgent: c.UserAgent, Observer: c.Observer,
	})
	if err != nil {
		return nil, &callError{"", err}
	}
	return &Client{cfg: c, http: client}, nil
}

// withMaxBody returns a client that reads larger or smaller responses.
func (c *Client) withMaxBody(size int64) *Client {
	other := *c
	other.cfg.MaxBody = size
	return &other
}

// Check returns ErrNoChoice for a form that Apply would not send, and nil for
// every other. Machine.Submit calls it before it writes the intent.
func (c *Client) Check(_ context.Context, f carrierfsm.Form) error {
	if len(f.Sources) > 0 && !c.cfg.ApplicationsV3 {
		return ErrNoChoice
	}
	return nil
}

// Apply submits the form, unless Check returns an error. A response that is no
// receipt, or one without a token or a source, is an error that matches
// ErrMalformed.
func (c *Client) Apply(ctx context.Context, a carrierfsm.Application) (carrierfsm.Receipt, error) {
	version := "v2"
	if c.cfg.ApplicationsV3 {
		version = "v3"
	}
	if err := c.Check(ctx, a.Form); err != nil {
		return carrierfsm.Receipt{}, &callError{"applications", fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)}
	}
	body, err := encodeForm(a.Form)
	if err != nil {
		return carrierfsm.Receipt{}, &callError{"applications", err}
	}
	response, err := c.post(ctx, "/orgApi/rest/"+version+"/applications/{org}", body)
	if err != nil {
		return carrierfsm.Receipt{}, &callError{"applications", err}
	}
	defer clear(response) // it may repeat what was sent
	receipt, err := decodeReceipt(response, c.cfg.ApplicationsV3)
	if err != nil {
		return carrierfsm.Receipt{}, &callError{"applications", err}
	}
	return receipt, nil
}

// Collect relays one answer of the person. It sends only the secrets that belong
// to r.Input; the caller destroys them. For an input that this API does not
// support, or one without its secret, it returns an error matching
// carrierfsm.ErrNotSent.
//
// A process code that is not an integer of at most nine digits, and a type that
// is not a word, are returned as "?". So neither can equal a known one, and no
// text of upstream is recorded as a code.
func (c *Client) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	path, body, err := encodeRequest(r)
	if err != nil {
		return carrierfsm.Reply{}, &callError{"collect", err}
	}
	response, err := c.post(ctx, "/orgApi/rest/v2/messages/"+path, body)
	if err != nil {
		return carrierfsm.Reply{}, &callError{"collect", err}
	}
	defer clear(response) // it may repeat what was sent
	reply, err := decodeReply(response)
	if err != nil {
		return carrierfsm.Reply{}, &callError{"collect", err}
	}
	return reply, nil
}

// Datasources lists the data sources that the institution may use. Its errors
// are those of Collect.
func (c *Client) Datasources(ctx context.Context) ([]carrierfsm.Source, error) {
	response, err := c.do(ctx, http.MethodGet, "/orgApi/rest/v2/orgs/{org}/datasources", nil)
	if err != nil {
		return nil, &callError{"datasources", err}
	}
	list, err := decodeSources(response)
	if err != nil {
		return nil, &callError{"datasources", err}
	}
	return list, nil
}

// post sends JSON, and overwrites body afterwards.
func (c *Client) post(ctx context.Context, path string, body []byte) ([]byte, error) {
	return c.do(ctx, http.MethodPost, path, body)
}

// do makes one request and returns the body of the response. The path may have a
// query, and {org} in place of the org.
func (c *Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	template, _, _ := strings.Cut(path, "?")
	response, err := c.http.Do(ctx, sendonce.Request{
		Method: method, Template: template, Path: strings.Replace(path, "{org}", url.PathEscape(c.cfg.Org), 1),
		Body: body, MaxBody: c.cfg.MaxBody,
	})
	return response.Body, err
}
