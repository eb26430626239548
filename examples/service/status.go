package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// statuses is how errors of the machine are told in HTTP, most particular
// first: one row for each sentinel. The word is for programs; words.go has what
// persons read.
var statuses = []struct {
	err    error
	status int
	word   string
}{
	// Accepted; the page waits for the change.
	{carrierfsm.ErrPending, http.StatusAccepted, "pending"},

	// Refused, and nothing was sent. The current screen comes along.
	{carrierfsm.ErrStale, http.StatusConflict, "stale"},
	{carrierfsm.ErrInFlight, http.StatusConflict, "in_flight"},
	{carrierfsm.ErrNotAwaited, http.StatusConflict, "not_awaited"},
	{carrierfsm.ErrConflict, http.StatusConflict, "conflict"},
	{carrierfsm.ErrKeyInUse, http.StatusConflict, "number_in_use"},
	{carrierfsm.ErrExists, http.StatusConflict, "exists"},
	{carrierfsm.ErrTooMany, http.StatusForbidden, "no_attempts_left"},
	{carrierfsm.ErrTooSoon, http.StatusTooManyRequests, "too_soon"},
	{carrierfsm.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{carrierfsm.ErrConsentRequired, http.StatusUnprocessableEntity, "consent_required"},
	{carrierfsm.ErrPasswordNeeded, http.StatusUnprocessableEntity, "password_needed"},
	{carrierfsm.ErrNotFound, http.StatusNotFound, "not_found"},

	// Not the person's doing.
	{carrierfsm.ErrClosed, http.StatusServiceUnavailable, "closing"},
	{carrierfsm.ErrStore, http.StatusServiceUnavailable, "unavailable"},
	{carrierfsm.ErrNewerTable, http.StatusServiceUnavailable, "unavailable"},
	{carrierfsm.ErrNotSent, http.StatusBadGateway, "unavailable"},
	{carrierfsm.ErrSealed, http.StatusInternalServerError, "broken"},
	{carrierfsm.ErrCorrupt, http.StatusInternalServerError, "broken"},
	{carrierfsm.ErrNoOutbox, http.StatusInternalServerError, "broken"},
	{carrierfsm.ErrNoSurveyor, http.StatusInternalServerError, "broken"},
	{carrierfsm.ErrLedByOther, http.StatusInternalServerError, "broken"},
	{carrierfsm.ErrLeaseLost, http.StatusInternalServerError, "broken"},
}

// problem is why a request is refused, or what to know beside its screen.
type problem struct {
	status int
	word   string
	wait   time.Duration // before trying again; zero: as you like
}

// problemOf finds the row of an error.
func problemOf(err error) problem {
	for _, row := range statuses {
		if errors.Is(err, row.err) {
			return problem{status: row.status, word: row.word}
		}
	}
	return problem{status: http.StatusInternalServerError, word: "broken"}
}

// answer is the body of every reply of the endpoints.
type answer struct {
	// Problem tells what was wrong with the request; absent where nothing was.
	Problem *told `json:"problem,omitempty"`
	// Screen is what to show; absent where that could not be found out.
	Screen *screen `json:"screen,omitempty"`
}

// told is a problem in words.
type told struct {
	Word string `json:"word"`
	Text string `json:"text"`
}

// refuse answers with a problem and without a screen.
func refuse(w http.ResponseWriter, r *http.Request, p problem) { reply(w, r, p, nil) }

// reply writes an answer. A problem without a status is none.
func reply(w http.ResponseWriter, r *http.Request, p problem, s *screen) {
	a := answer{Screen: s}
	if p.status == 0 {
		p.status = http.StatusOK
	} else {
		a.Problem = &told{Word: p.word, Text: language(r).problem(p.word)}
	}
	if p.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.wait+time.Second-1)/time.Second)))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(a) // the client may be gone
}
