package juxinli

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// For the fuzz tests.
var (
	DecodeReply   = decodeReply
	DecodeReceipt = decodeReceipt
	EncodeRequest = encodeRequest
	EncodeForm    = encodeForm
)

// Decoded is a response to a data call, decoded for each of the calls.
type Decoded struct {
	Access, Code      string
	State             JobState
	Report, Raw       Document
	StateErr          error
	ReportErr, RawErr error
}

// DecodeData decodes a response to a data call.
func DecodeData(answer []byte) (d Decoded, err error) {
	e, err := unwrapData(answer)
	if err != nil {
		return d, err
	}
	d.Access, d.Code = string(e.Access), string(e.Code)
	d.State, d.StateErr = e.job()
	d.Report, d.ReportErr = e.report()
	d.Raw, d.RawErr = e.raw()
	return d, nil
}

// ErrNoData is returned for an absent document.
var ErrNoData = errNoData

// Retry makes a call with retries.
var Retry = retry

// Tokens caches an access token that is valid until upstream refuses it.
type Tokens struct{ t tokens }

// NewTokens returns a cache that fetches tokens with fetch.
func NewTokens(fetch func(context.Context) (carrierfsm.Secret, error)) *Tokens {
	return &Tokens{tokens{fetch: fetch, timeout: time.Minute, now: time.Now}}
}

// Get returns the number of a valid token with a number above after.
func (t *Tokens) Get(ctx context.Context, after int) (int, error) {
	token, err := t.t.get(ctx, after)
	return token.number, err
}

// Flight is a flight of calls that return a string.
type Flight struct{ f flight[string] }

// Do shares a call.
func (f *Flight) Do(ctx context.Context, limit time.Duration, call func(context.Context) (string, error)) (string, error) {
	return f.f.do(ctx, limit, call)
}
