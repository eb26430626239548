package juxinli

import (
	"errors"
	"strings"
)

// Why upstream refuses a data call. Test with errors.Is. If upstream sent a code,
// the error is or wraps a *RefusalError.
var (
	// ErrNotReady is returned while there is no report yet: the collection is running.
	ErrNotReady = errors.New("juxinli: the report is not ready")
	// ErrNotFound is returned when upstream has no data for this token: it does not
	// know the token (any more, or yet), or the collection found nothing. Shortly
	// after a collection this can change within minutes.
	ErrNotFound = errors.New("juxinli: upstream has no data for this token")
	// ErrTokenRefused is returned when upstream refused the access token (20007)
	// and its replacement.
	ErrTokenRefused = errors.New("juxinli: the access token was refused")
	// ErrSecretRefused is returned when upstream refused the client secret
	// (20001). A retry does not help.
	ErrSecretRefused = errors.New("juxinli: the client secret was refused")
	// ErrFrozen is returned when the institution is frozen (20003). A retry does
	// not help.
	ErrFrozen = errors.New("juxinli: the institution is frozen")
)

// refusalErrors are the known codes of refusals.
var refusalErrors = map[number]error{
	"20001": ErrSecretRefused,
	"20003": ErrFrozen,
	"20007": ErrTokenRefused,
	"20032": ErrNotFound,
	"20033": errNoData,
	"31204": errNoData,
}

// errNoData is returned internally for an absent document, before the job's state
// decides between ErrNotReady and ErrNotFound.
var errNoData = errors.New("juxinli: upstream has no data")

// RefusalError is returned when upstream refused a data call. It matches the
// sentinel of its code, if there is one.
type RefusalError struct {
	// Code is upstream's, in decimal digits: "20001". It is "?" if it is not a
	// number of at most nine digits, and empty if upstream sent none. Upstream's
	// text is left out: it may repeat what was sent.
	Code string
}

// Error includes the code.
func (e *RefusalError) Error() string {
	if e.Code == "" {
		return "juxinli: upstream refused, without a code"
	}
	return "juxinli: upstream refused, code " + e.Code
}

// Is reports whether target is the sentinel of the code.
func (e *RefusalError) Is(target error) bool {
	meant, known := refusalErrors[number(e.Code)]
	return known && target == meant
}

// callError is what a call returns. Its text names this package once, and not the
// packages whose errors it wraps.
type callError struct {
	call string // empty outside a call
	err  error
}

var withoutPackages = strings.NewReplacer(": juxinli: ", ": ", ": sendonce: ", ": ", ": carrierfsm: ", ": ")

func (e *callError) Error() string {
	text := "juxinli: "
	if e.call != "" {
		text += e.call + ": "
	}
	return withoutPackages.Replace(text + e.err.Error())
}

func (e *callError) Unwrap() error { return e.err }
