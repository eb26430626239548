package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/httpapi"
)

// newAPI returns the endpoints of httpapi for this site's sessions.
func (s *site) newAPI() (*httpapi.API, error) {
	return httpapi.New(httpapi.Config{
		Machine: s.machine, Authorize: s.authorize, Begin: s.begin, Began: s.began,
		Consent: s.owner.consent(),
		Changes: s.changes, Wait: s.waitLimit, PlainHTTP: !s.https, Logger: s.log,
	})
}

// authorize answers for "mine" only: a browser has one verification, that of its ticket.
func (s *site) authorize(r *http.Request, id string) (string, error) {
	t, ok := s.cookies.ticket(r)
	if id != "mine" || !ok || t.isNew() {
		return "", carrierfsm.ErrNotFound
	}
	return s.idOf(t), nil
}

// begin derives the id from the ticket and the number: see ticket.
func (s *site) begin(r *http.Request, form carrierfsm.Form) (n carrierfsm.NewVerification, err error) {
	t, ok := s.cookies.ticket(r)
	if !ok {
		return n, problem(r, http.StatusForbidden, "no_ticket")
	}
	form.Phone.Use(func(phone []byte) { t.number = s.keys.hash(phone) })
	return carrierfsm.NewVerification{ID: s.idOf(t), Key: t.number}, nil
}

// idOf returns the id of a ticket's verification. On a store with shards it begins with the
// place of the number.
func (s *site) idOf(t ticket) string { return s.machine.PlaceID(t.id(), t.number) }

// began sets the ticket of the verification, and cancels the one of another number,
// whose form was refused.
func (s *site) began(w http.ResponseWriter, r *http.Request, n carrierfsm.NewVerification) error {
	before, _ := s.cookies.ticket(r)
	s.setTicket(w, ticket{random: before.random, number: n.Key})
	if !before.isNew() && before.number != n.Key {
		_, _ = s.machine.Submit(context.WithoutCancel(r.Context()), s.idOf(before), carrierfsm.Cancel{}) // if this fails, its deadline ends it
	}
	return nil
}

// mine responds with the verification of the browser's ticket, or with what to show
// before there is one.
//
// A browser without a ticket gets one. This is not done when the page is loaded: a
// browser that follows a link from another site does not send SameSite=Strict cookies,
// so its ticket would be overwritten.
func (s *site) mine(w http.ResponseWriter, r *http.Request) {
	switch t, ok := s.cookies.ticket(r); {
	case !ok:
		s.setTicket(w, newTicket())
		s.blank(w, r)
	case t.isNew():
		s.blank(w, r)
	default:
		http.StripPrefix("/api", s.api).ServeHTTP(w, r)
	}
}

// blank responds with what to show before there is a verification.
func (s *site) blank(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.Method, r.URL.Path, r.Body = http.MethodGet, "/verifications/new", http.NoBody
	s.api.ServeHTTP(w, r)
}

// startOver issues a new ticket if the present verification has ended or does not
// exist. A live one must be canceled first: it holds its number's key.
func (s *site) startOver(w http.ResponseWriter, r *http.Request) {
	if t, ok := s.cookies.ticket(r); ok && !t.isNew() {
		v, err := s.machine.Get(r.Context(), s.idOf(t))
		if err == nil && !v.State.Terminal() {
			err = problem(r, http.StatusConflict, "still_alive")
		}
		if err != nil && !errors.Is(err, carrierfsm.ErrNotFound) {
			httpapi.WriteProblem(w, r, httpapi.ProblemOf(err))
			return
		}
	}
	s.setTicket(w, newTicket())
	s.blank(w, r)
}

// setTicket sets the ticket's cookie, for longer than a verification lives.
func (s *site) setTicket(w http.ResponseWriter, t ticket) {
	s.cookies.set(w, ticketCookie, t.String(), 2*time.Hour)
}
