// Package juxinli is a carrierfsm.Upstream: the client of the aggregator
// Juxinli (聚信立), REST v2 and v3.
//
// A call makes one HTTP request and never repeats it, except for the data calls
// of Client.Data, which only read. Every request opens a new connection: on a
// reused one that breaks, net/http may send a request again. The client follows
// no redirect, speaks HTTPS only (HTTP to loopback), uses no proxy unless
// configured, and reads a bounded amount of JSON.
//
// An error that matches carrierfsm.ErrNotSent is certain: no byte of the request
// was written, and none will be. After every other error the outcome is unknown.
// No error contains text of a response.
package juxinli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/carrierfsm/carrierfsm"
)

var (
	_ carrierfsm.Upstream   = (*Client)(nil)
	_ carrierfsm.Prechecker = (*Client)(nil)
)

// ErrNoChoice is returned for a form with Sources if Config.ApplicationsV3 is not
// set. Nothing was sent: version 2 of the call would ignore them.
var ErrNoChoice = errors.New("juxinli: version 2 of the application takes no choice of data sources")

// Client calls the API. It is safe for concurrent use and keeps nothing
// between calls.
type Client struct {
	cfg  Config
	base *url.URL
}

// New checks the configuration. It returns an error for a missing Org, a bound
// that is negative or too large, or a BaseURL that Config does not allow.
func New(c Config) (*Client, error) {
	c = c.withDefaults()
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	return &Client{cfg: c, base: base}, nil
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
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w: %w", carrierfsm.ErrNotSent, err)
	}
	body, err := encodeForm(a.Form)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
	}
	response, err := c.post(ctx, "/orgApi/rest/"+version+"/applications/{org}", body)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
	}
	defer clear(response) // it may repeat what was sent
	receipt, err := decodeReceipt(response, c.cfg.ApplicationsV3)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
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
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	response, err := c.post(ctx, "/orgApi/rest/v2/messages/"+path, body)
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	defer clear(response) // it may repeat what was sent
	reply, err := decodeReply(response)
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	return reply, nil
}

// Datasources lists the data sources that the institution may use. Its errors
// are those of Collect.
func (c *Client) Datasources(ctx context.Context) ([]carrierfsm.Source, error) {
	response, err := c.do(ctx, http.MethodGet, "/orgApi/rest/v2/orgs/{org}/datasources", nil)
	if err != nil {
		return nil, fmt.Errorf("juxinli: datasources: %w", err)
	}
	list, err := decodeSources(response)
	if err != nil {
		return nil, fmt.Errorf("juxinli: datasources: %w", err)
	}
	return list, nil
}

// post sends JSON, and overwrites body afterwards.
func (c *Client) post(ctx context.Context, path string, body []byte) ([]byte, error) {
	p := &payload{body: body}
	defer p.wipe()
	return c.do(ctx, http.MethodPost, path, p)
}
