package sendonce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Why there is no response. The server may have acted on the request, unless
// carrierfsm.ErrNotSent matches too.
var (
	// ErrBroken is returned when no complete HTTP response was received: the
	// connection broke, the deadline passed, or the response was not HTTP.
	ErrBroken = errors.New("no complete response")
	// ErrNotJSON is returned for a response of another content type.
	ErrNotJSON = errors.New("the response is not JSON")
	// ErrTooLarge is returned for a response longer than Config.MaxBody.
	ErrTooLarge = errors.New("the response is too large")
)

// StatusError is returned for an HTTP status other than 2xx and those of
// Request.Statuses. Redirects are among them: they are not followed.
type StatusError struct {
	// Status is the HTTP status code.
	Status int
}

// Error includes the status.
func (e *StatusError) Error() string { return fmt.Sprintf("HTTP status %d", e.Status) }

// ConnectError is returned when the connection failed: the name is unknown, the
// connection was refused, or TLS failed. Nothing of the request was sent by then,
// so the text of Err can't contain any of it.
type ConnectError struct {
	// Err is the error of package net or crypto/tls.
	Err error
}

// Error includes the cause.
func (e *ConnectError) Error() string { return "connecting: " + e.Err.Error() }

// Unwrap returns Err.
func (e *ConnectError) Unwrap() error { return e.Err }

// Why a connection refuses to write.
var (
	errTooLate   = errors.New("the deadline for sending has passed")
	errCallEnded = errors.New("the call has ended")
)

// fixedTextErrors are the causes that may be wrapped with ErrBroken: their texts
// contain nothing of the response.
var fixedTextErrors = []error{
	context.Canceled, context.DeadlineExceeded, errTooLate, errCallEnded, os.ErrDeadlineExceeded, io.ErrUnexpectedEOF, io.EOF,
}

// redactError replaces an error of net/http, which may quote a line of the
// response, and a response may repeat what was sent.
func redactError(err error) error {
	if failed, ok := errors.AsType[*ConnectError](err); ok {
		return failed
	}
	for _, cause := range fixedTextErrors {
		if errors.Is(err, cause) {
			return fmt.Errorf("%w: %w", ErrBroken, cause)
		}
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("%w: %w", ErrBroken, number)
	}
	return ErrBroken
}
