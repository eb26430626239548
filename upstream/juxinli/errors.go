package juxinli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// What can come in the place of a reply. Upstream has perhaps acted on the
// request all the same, unless carrierfsm.ErrNotSent matches too.
var (
	// ErrBroken is returned when no whole HTTP answer came: the connection
	// broke, the time was over, or what came was not HTTP.
	ErrBroken = errors.New("no whole answer came")
	// ErrNotJSON is returned for an answer of another content type.
	ErrNotJSON = errors.New("the answer is not JSON")
	// ErrTooLarge is returned for an answer longer than Config.MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrMalformed is returned for JSON that is none of the API's.
	ErrMalformed = errors.New("the answer is not one of this API")
)

// StatusError is returned for an HTTP status other than 2xx. Redirects are
// among them: they are not followed.
type StatusError struct {
	// Status is the HTTP status code.
	Status int
}

// Error names the status.
func (e *StatusError) Error() string { return fmt.Sprintf("HTTP status %d", e.Status) }

// ConnectError is returned when there is no connection: no such name, nobody
// listens, TLS failed. The other side has learnt nothing by then, so what Err
// says can't repeat anything of ours.
type ConnectError struct {
	// Err is the cause as package net or crypto/tls tells it.
	Err error
}

// Error tells the cause.
func (e *ConnectError) Error() string { return "connecting: " + e.Err.Error() }

// Unwrap returns Err.
func (e *ConnectError) Unwrap() error { return e.Err }

// Why a write is refused.
var (
	errLate = errors.New("the time for sending is over")
	errOver = errors.New("the call is over")
)

// namable are the causes that may be named beside ErrBroken: their texts are fixed.
var namable = []error{
	context.Canceled, context.DeadlineExceeded, errLate, errOver, os.ErrDeadlineExceeded, io.ErrUnexpectedEOF, io.EOF,
}

// discreet replaces an error of net/http: it quotes the line of the answer that
// it could not read, and an answer may repeat what was sent.
func discreet(err error) error {
	if failed, ok := errors.AsType[*ConnectError](err); ok {
		return failed
	}
	for _, cause := range namable {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", ErrBroken, cause)
		}
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("%w: %w", ErrBroken, number)
	}
	return ErrBroken
}
