package juxinli

import (
	"context"
	"time"
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

// Flight shares calls that return a string.
type Flight struct{ f flight[string] }

// Do shares a call.
func (f *Flight) Do(ctx context.Context, limit time.Duration, call func(context.Context) (string, error)) (string, error) {
	return f.f.do(ctx, limit, call)
}
