// Package juxinli is a carrierfsm.Upstream: the client of the aggregator
// Juxinli (聚信立), REST v2 and v3.
//
// It makes one HTTP request a call and never repeats one, but for the data
// calls of Client.Data, which only read. Every request has a connection of its
// own, so that net/http has no broken, reused connection to repeat it on. It
// follows no redirect, speaks HTTPS only (HTTP to loopback), uses no proxy
// unless told to, and reads a bounded amount of JSON.
//
// An error that matches carrierfsm.ErrNotSent is certain: no byte of the
// request was written, and none will be. Every other error means that the
// outcome is unknown. No error repeats anything that upstream answered.
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

// ErrNoChoice is returned, and nothing was sent, for a form with Sources where
// Config.ApplicationsV3 is not set: version 2 would go through the operator's
// own alone.
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

// Check returns ErrNoChoice for a form that Apply would not send, and else nil.
// Machine.Submit asks it before anything is written.
func (c *Client) Check(_ context.Context, f carrierfsm.Form) error {
	if len(f.Sources) > 0 && !c.cfg.ApplicationsV3 {
		return ErrNoChoice
	}
	return nil
}

// Apply hands in the form, unless Check has something against it. What is no receipt, or one of no use, is an error
// that matches ErrMalformed.
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
	answer, err := c.post(ctx, "/orgApi/rest/"+version+"/applications/{org}", body)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
	}
	receipt, err := decodeReceipt(answer, c.cfg.ApplicationsV3)
	if err != nil {
		return carrierfsm.Receipt{}, fmt.Errorf("juxinli: applications: %w", err)
	}
	return receipt, nil
}

// Collect relays one answer. Of the secrets it sends those that r.Input means,
// and no others; the caller destroys them. For an input that this API does not
// know, or one without its secret, it returns an error matching
// carrierfsm.ErrNotSent.
//
// A process code that is no integer of at most nine digits, and a type that is
// no word, come as "?": they are never a known one, and no text of upstream's
// gets to where codes are written.
func (c *Client) Collect(ctx context.Context, r carrierfsm.Request) (carrierfsm.Reply, error) {
	path, body, err := encodeRequest(r)
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	answer, err := c.post(ctx, "/orgApi/rest/v2/messages/"+path, body)
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	reply, err := decodeReply(answer)
	if err != nil {
		return carrierfsm.Reply{}, fmt.Errorf("juxinli: collect: %w", err)
	}
	return reply, nil
}

// Datasources lists the data sources that the institution may use. Its errors
// are those of Collect.
func (c *Client) Datasources(ctx context.Context) ([]carrierfsm.Source, error) {
	answer, err := c.do(ctx, http.MethodGet, "/orgApi/rest/v2/orgs/{org}/datasources", nil)
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
func (c *Client) post(ctx context.Context, path string, body []byte) ([]byte, error) {
	p := &payload{left: body}
	defer p.wipe()
	return c.do(ctx, http.MethodPost, path, p)
}
