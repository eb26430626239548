package httpapi

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/typed"
)

// ErrForbidden is for Config.Authorize and Config.Begin: the request may not do this.
// Return carrierfsm.ErrNotFound instead where nobody shall learn that the id exists.
var ErrForbidden = errors.New("httpapi: not allowed")

// The codes of problems that no error of carrierfsm has.
const (
	codeForbidden   = "forbidden"
	codeCrossOrigin = "cross_origin"
	codeNoEndpoint  = "no_endpoint"
	codeMethod      = "method_not_allowed"
	codeMediaType   = "unsupported_media_type"
	codeTooLarge    = "too_large"
	codeBroken      = "broken"
	codeLimited     = "number_limited" // a budget of the number is used up for today
)

// problems has the status and the code of each error, the most specific first.
var problems = []struct {
	err    error
	status int
	code   string
}{
	// Accepted: the outcome comes by a later Get.
	{carrierfsm.ErrPending, http.StatusAccepted, "pending"},

	// Refused, and nothing was sent.
	{carrierfsm.ErrStale, http.StatusConflict, "stale"},
	{carrierfsm.ErrInFlight, http.StatusConflict, "in_flight"},
	{carrierfsm.ErrNotAwaited, http.StatusConflict, "not_awaited"},
	{carrierfsm.ErrConflict, http.StatusConflict, "conflict"},
	{carrierfsm.ErrKeyInUse, http.StatusConflict, "number_in_use"},
	{carrierfsm.ErrExists, http.StatusConflict, "exists"},
	{carrierfsm.ErrTooMany, http.StatusForbidden, "no_attempts_left"},
	{carrierfsm.ErrTooSoon, http.StatusTooManyRequests, "too_soon"},
	{typed.ErrNoCode, http.StatusUnprocessableEntity, "no_code"},
	{typed.ErrNoPhone, http.StatusUnprocessableEntity, "no_phone"},
	{typed.ErrNoIDCard, http.StatusUnprocessableEntity, "no_id_card"},
	{typed.ErrNoName, http.StatusUnprocessableEntity, "no_name"},
	{carrierfsm.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{carrierfsm.ErrConsentRequired, http.StatusUnprocessableEntity, "consent_required"},
	{carrierfsm.ErrPasswordNeeded, http.StatusUnprocessableEntity, "password_needed"},
	{carrierfsm.ErrNotFound, http.StatusNotFound, "not_found"},
	{ErrForbidden, http.StatusForbidden, codeForbidden},

	// Not caused by the person.
	{carrierfsm.ErrClosed, http.StatusServiceUnavailable, "closing"},
	{carrierfsm.ErrMoved, http.StatusServiceUnavailable, "unavailable"},
	{carrierfsm.ErrStore, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable"}, // the client has left
	{carrierfsm.ErrNewerTable, http.StatusServiceUnavailable, "unavailable"},
	{carrierfsm.ErrNotSent, http.StatusBadGateway, "unavailable"},
	{carrierfsm.ErrOtherShard, http.StatusInternalServerError, codeBroken}, // the host's fault
	{carrierfsm.ErrForged, http.StatusInternalServerError, codeBroken},
	{carrierfsm.ErrSealed, http.StatusInternalServerError, codeBroken},
	{carrierfsm.ErrCorrupt, http.StatusInternalServerError, codeBroken},
}

// Problem is why a request was refused: an RFC 9457 problem, whose type is its code.
// It is an error, so Config.Authorize and Config.Begin may return a *Problem of their
// own.
type Problem struct {
	// Status is the HTTP status.
	Status int `json:"status"`
	// Code says what is wrong, for programs: it never changes. Codes may be added.
	Code string `json:"code"`
	// Title says it to the person, in the request's language. New fills it in where it
	// is empty and the code is one of this package.
	Title string `json:"title"`
	// RetryAfter is how many seconds to wait before the same request may succeed; 0
	// means that waiting is of no use, or that the time is not known.
	RetryAfter int `json:"retry_after_seconds,omitempty"`
	// Verification is the present one; nil where the request may not see it.
	Verification *Verification `json:"verification,omitempty"`
}

// Error returns the code.
func (p *Problem) Error() string {
	return "httpapi: " + p.Code + " (" + strconv.Itoa(p.Status) + ")"
}

// ProblemOf returns the status and the code of an error of carrierfsm, of package typed
// or of a context; a *Problem that err wraps is returned as it is. Any other error is
// 500 "broken". ErrPending is 202 "pending", which is a success.
func ProblemOf(err error) Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return *p
	}
	if over := (*budget.ExceededError)(nil); errors.As(err, &over) {
		p := Problem{Status: http.StatusTooManyRequests, Code: codeLimited}
		if !over.Until.IsZero() {
			p.RetryAfter = secondsUntil(over.Until, time.Now())
		}
		return p
	}
	for _, row := range problems {
		if errors.Is(err, row.err) {
			return Problem{Status: row.status, Code: row.code}
		}
	}
	return Problem{Status: http.StatusInternalServerError, Code: codeBroken}
}

// Codes returns all codes that a Problem of this package can have, sorted.
func Codes() []string {
	list := []string{codeForbidden, codeCrossOrigin, codeNoEndpoint, codeMethod, codeMediaType, codeTooLarge, codeBroken, codeLimited}
	for _, row := range problems {
		list = append(list, row.code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// secondsUntil returns the whole seconds until a time, rounded up; 0 for a past one.
func secondsUntil(until, now time.Time) int {
	return int(max(0, math.Ceil(until.Sub(now).Seconds())))
}
