package juxinli

import "errors"

// What the data calls can be refused for. Test with errors.Is; what matches is
// a *RefusalError, or wraps one, where upstream gave a code.
var (
	// ErrNotReady is returned when there is no report yet: the collection goes on.
	ErrNotReady = errors.New("juxinli: the report is not ready")
	// ErrNotFound is returned when upstream has nothing under this token: it
	// does not know it (any more, or yet), or the collection brought nothing.
	// Right after a collection that can change within minutes.
	ErrNotFound = errors.New("juxinli: upstream has nothing under this token")
	// ErrTokenRefused is returned when upstream refused the access token (20007),
	// and the fresh one too.
	ErrTokenRefused = errors.New("juxinli: the access token was refused")
	// ErrSecretRefused is returned when upstream refused the client secret
	// (20001). Asking again does not help.
	ErrSecretRefused = errors.New("juxinli: the client secret was refused")
	// ErrFrozen is returned when the institution is frozen (20003). Asking again
	// does not help.
	ErrFrozen = errors.New("juxinli: the institution is frozen")
)

// refusals are the codes of the data calls that are known to refuse.
var refusals = map[number]error{
	"20001": ErrSecretRefused,
	"20003": ErrFrozen,
	"20007": ErrTokenRefused,
	"20032": ErrNotFound,
	"20033": errNothing,
	"31204": errNothing,
}

// errNothing is a report that is not there, before it is known why.
var errNothing = errors.New("juxinli: upstream has no data")

// RefusalError is returned when upstream answered a data call with a refusal.
// It matches the sentinel that its code means, if there is one.
type RefusalError struct {
	// Code is upstream's, in decimal digits: "20001". It is "?" for what is no
	// code, and empty where none came. Upstream's text is left out: it may
	// repeat what was sent.
	Code string
}

// Error tells the code.
func (e *RefusalError) Error() string {
	if e.Code == "" {
		return "juxinli: upstream refused, without a code"
	}
	return "juxinli: upstream refused, code " + e.Code
}

// Is tells whether the code means target.
func (e *RefusalError) Is(target error) bool {
	meant, known := refusals[number(e.Code)]
	return known && target == meant
}
