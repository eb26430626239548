package juxinli

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Decoded is what an answer to a data call says, in every reading.
type Decoded struct {
	Access, Code      string
	State             JobState
	Report, Raw       Document
	StateErr          error
	ReportErr, RawErr error
}

// DecodeData decodes an answer to a data call.
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

// ErrNothing is a document that is not there.
var ErrNothing = errNothing

// TryAgain is what makes a request again.
var TryAgain = tryAgain

// Tokens keeps an access token that is fetched thus and ends when it is refused.
type Tokens struct{ t tokens }

// NewTokens keeps what fetch returns.
func NewTokens(fetch func(context.Context) (carrierfsm.Secret, error)) *Tokens {
	return &Tokens{tokens{fetch: fetch, limit: time.Minute, now: time.Now}}
}

// Get returns the number of a token that was fetched after this one.
func (t *Tokens) Get(ctx context.Context, after int) (int, error) {
	token, err := t.t.get(ctx, after)
	return token.number, err
}

// Flight shares calls that return a string.
type Flight struct{ f flight[string] }

// Do shares a call.
func (f *Flight) Do(ctx context.Context, limit time.Duration, call func(context.Context) (string, error)) (string, error) {
	return f.f.do(ctx, limit, call)
}
