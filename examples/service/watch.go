package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// pollInterval is how often a waiting request polls, for changes by other replicas
// and by deadlines.
const pollInterval = time.Second

// getScreen responds with the screen. With the parameter "seen" it waits, at most
// waitLimit, until the screen's mark is another.
//
// A browser without a ticket gets one. This is not done when the page is loaded: a
// browser that follows a link from another site does not send SameSite=Strict
// cookies, so its ticket would be overwritten.
func (s *site) getScreen(w http.ResponseWriter, r *http.Request) {
	t, ok := s.cookies.ticket(r)
	if !ok {
		s.setTicket(w, newTicket())
		s.show(w, r, nil, problem{})
		return
	}
	v, err := s.watch(r.Context(), t, r.URL.Query().Get("seen"))
	switch {
	case errors.Is(err, carrierfsm.ErrNotFound): // purged, or lost with a store in memory
		s.setTicket(w, newTicket())
		s.show(w, r, nil, problemOf(err))
	case err != nil:
		s.respondError(w, r, err)
	default:
		s.show(w, r, v, problem{})
	}
}

// watch returns the verification once its mark differs from seen. If seen is empty,
// or there is no verification yet, it returns at once.
func (s *site) watch(ctx context.Context, t ticket, seen string) (*carrierfsm.Verification, error) {
	changed, unsubscribe := s.changes.subscribe(t.id())
	defer unsubscribe()
	timeout := time.NewTimer(s.waitLimit)
	defer timeout.Stop()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		v, err := s.load(ctx, t)
		if err != nil || v == nil || screenMark(v) != seen {
			return v, err
		}
		select {
		case <-changed:
		case <-poll.C:
		case <-timeout.C:
			return v, nil
		case <-s.changes.closed:
			return v, nil
		case <-ctx.Done():
			return v, nil
		}
	}
}

// setTicket sets the ticket's cookie, for longer than a verification lives.
func (s *site) setTicket(w http.ResponseWriter, t ticket) {
	s.cookies.set(w, ticketCookie, t.String(), 2*time.Hour)
}

// respondError responds for a verification that can't be shown.
func (s *site) respondError(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError {
		s.log.WarnContext(r.Context(), "request failed", "route", r.Pattern, "error", err)
	}
	refuse(w, r, p)
}
