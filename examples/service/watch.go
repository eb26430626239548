package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// lookAgain is how often a waiting request looks by itself, for what other
// replicas did and for what the clock settles.
const lookAgain = time.Second

// look answers with the screen. A request that tells which one it has seen
// waits until there is another, or for as long as our patience lasts.
//
// A browser without a ticket gets one. That can't be done when the page itself
// is loaded: SameSite=Strict cookies stay at home when somebody follows a link
// from another site, and the ticket that is there would be overwritten.
func (s *site) look(w http.ResponseWriter, r *http.Request) {
	t, ok := s.cookies.ticket(r)
	if !ok {
		s.giveTicket(w, newTicket())
		s.show(w, r, nil, problem{})
		return
	}
	v, err := s.watch(r.Context(), t, r.URL.Query().Get("seen"))
	switch {
	case errors.Is(err, carrierfsm.ErrNotFound): // purged, or kept in memory before a restart
		s.giveTicket(w, newTicket())
		s.show(w, r, nil, problemOf(err))
	case err != nil:
		s.failed(w, r, err)
	default:
		s.show(w, r, v, problem{})
	}
}

// watch returns the verification once its mark is another than seen. It waits
// for nothing where nothing was seen, and where there is no verification yet.
func (s *site) watch(ctx context.Context, t ticket, seen string) (*carrierfsm.Verification, error) {
	bell, takeDown := s.changes.hang(t.id())
	defer takeDown()
	enough := time.NewTimer(s.patience)
	defer enough.Stop()
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for {
		v, err := s.find(ctx, t)
		if err != nil || v == nil || mark(v) != seen {
			return v, err
		}
		select {
		case <-bell:
		case <-again.C:
		case <-enough.C:
			return v, nil
		case <-s.changes.over:
			return v, nil
		case <-ctx.Done():
			return v, nil
		}
	}
}

// giveTicket lets the browser keep a ticket, for longer than a verification lives.
func (s *site) giveTicket(w http.ResponseWriter, t ticket) {
	s.cookies.set(w, ticketCookie, t.String(), 2*time.Hour)
}

// failed answers for a verification that can't be shown.
func (s *site) failed(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError {
		s.log.WarnContext(r.Context(), "request failed", "route", r.Pattern, "error", err)
	}
	refuse(w, r, p)
}
