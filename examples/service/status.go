package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/typed"
)

// statuses has the HTTP status of each sentinel error, the most specific first. The
// code is for programs; words.go has the texts for persons.
var statuses = []struct {
	err    error
	status int
	code   string
}{
	// Accepted; the page waits for the change.
	{carrierfsm.ErrPending, http.StatusAccepted, "pending"},

	// Refused, and nothing was sent. The response has the current screen.
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
	{carrierfsm.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{carrierfsm.ErrConsentRequired, http.StatusUnprocessableEntity, "consent_required"},
	{carrierfsm.ErrPasswordNeeded, http.StatusUnprocessableEntity, "password_needed"},
	{carrierfsm.ErrNotFound, http.StatusNotFound, "not_found"},

	// Not caused by the person.
	{carrierfsm.ErrClosed, http.StatusServiceUnavailable, "closing"},
	{carrierfsm.ErrStore, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable"},
	{context.Canceled, http.StatusServiceUnavailable, "unavailable"}, // the browser has left
	{carrierfsm.ErrNewerTable, http.StatusServiceUnavailable, "unavailable"},
	{carrierfsm.ErrNotSent, http.StatusBadGateway, "unavailable"},
	{carrierfsm.ErrSealed, http.StatusInternalServerError, "broken"},
	{carrierfsm.ErrCorrupt, http.StatusInternalServerError, "broken"},
}

// problem is why a request was refused, or a message for the screen.
type problem struct {
	status int
	code   string
	wait   time.Duration // before a retry; zero: none
}

// problemOf returns the problem of an error.
func problemOf(err error) problem {
	for _, row := range statuses {
		if errors.Is(err, row.err) {
			return problem{status: row.status, code: row.code}
		}
	}
	return problem{status: http.StatusInternalServerError, code: "broken"}
}

// response is the body of every response of the endpoints.
type response struct {
	// Problem is what was wrong with the request; absent if nothing was.
	Problem *problemText `json:"problem,omitempty"`
	// Screen is what to show; absent if the verification could not be loaded.
	Screen *screen `json:"screen,omitempty"`
}

// problemText is a problem with its text for the person.
type problemText struct {
	Code string `json:"word"`
	Text string `json:"text"`
}

// refuse responds with a problem and without a screen.
func refuse(w http.ResponseWriter, r *http.Request, p problem) { writeResponse(w, r, p, nil) }

// writeResponse writes a response. The zero problem is none.
func writeResponse(w http.ResponseWriter, r *http.Request, p problem, s *screen) {
	a := response{Screen: s}
	if p.status == 0 {
		p.status = http.StatusOK
	} else {
		a.Problem = &problemText{Code: p.code, Text: language(r).problem(p.code)}
	}
	if p.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.wait+time.Second-1)/time.Second)))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(a) // the client may be gone
}
