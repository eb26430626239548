package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// take takes what the person answered.
func (s *site) take(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("input")
	input, known := inputs[name]
	if !known {
		refuse(w, r, problem{status: http.StatusNotFound, word: "no_page"})
		return
	}
	t, ok := s.cookies.ticket(r)
	if !ok || t.fresh() && name != "apply" {
		refuse(w, r, problem{status: http.StatusForbidden, word: "no_ticket"})
		return
	}
	typed, err := decode(r)
	if err != nil {
		refuse(w, r, problemOf(err))
		return
	}
	if name == "apply" {
		if t, err = s.begin(r.Context(), t, &typed); err != nil {
			s.answered(w, r, carrierfsm.Verification{}, err)
			return
		}
		s.giveTicket(w, t)
	}
	v, err := s.submit(r.Context(), t.id(), input(typed, s.cookies.carry(r)))
	s.answered(w, r, v, err)
}

// begin creates the verification of a form, or finds the one that its ticket
// and number name already. One of another number, whose form was refused, is
// canceled: nobody will answer it.
func (s *site) begin(ctx context.Context, t ticket, in *typed) (ticket, error) {
	// What would be refused anyway creates nothing.
	if in.Consent != consentPolicy {
		return t, carrierfsm.ErrConsentRequired
	}
	if len(in.Phone) != 11 {
		return t, carrierfsm.ErrInvalid
	}
	before, number := t, s.keys.hash(in.Phone)
	t.number = number
	_, err := s.machine.Create(ctx, carrierfsm.NewVerification{ID: t.id(), Key: number})
	switch {
	case errors.Is(err, carrierfsm.ErrExists):
		return t, nil
	case err != nil:
		return before, err
	}
	in.Step = 0
	if !before.fresh() {
		_, _ = s.machine.Submit(ctx, before.id(), carrierfsm.Cancel{}) // its deadline ends it too
	}
	return t, nil
}

// submit hands an input to the machine and waits for what becomes of it, as
// long as our patience lasts. Upstream may take minutes, and proxies cut
// connections that are silent for one: the page is then told that the answer
// is under way, and asks again.
func (s *site) submit(ctx context.Context, id string, in carrierfsm.Input) (carrierfsm.Verification, error) {
	type outcome struct {
		v   carrierfsm.Verification
		err error
	}
	done := make(chan outcome, 1)
	go func() { // ends with the call, which has a deadline; Machine.Close waits for it
		v, err := s.machine.Submit(context.WithoutCancel(ctx), id, in)
		if err == nil {
			s.carries.keep(v)
		}
		s.changes.ring(id)
		done <- outcome{v, err}
	}()
	enough := time.NewTimer(s.patience)
	defer enough.Stop()
	select {
	case o := <-done:
		return o.v, o.err
	case <-enough.C:
	case <-s.changes.over:
	case <-ctx.Done():
	}
	v, err := s.machine.Peek(context.WithoutCancel(ctx), id)
	if err != nil {
		return v, err
	}
	return v, carrierfsm.ErrPending
}

// answered answers a submission: with the screen that stands now, and with what
// was wrong with it.
func (s *site) answered(w http.ResponseWriter, r *http.Request, v carrierfsm.Verification, err error) {
	var p problem
	if err != nil {
		p = problemOf(err)
	}
	if p.status >= http.StatusInternalServerError {
		s.log.WarnContext(r.Context(), "submission failed", "route", r.Pattern, "error", err)
	}
	if v.ID == "" { // nothing is known of it
		refuse(w, r, p)
		return
	}
	if errors.Is(err, carrierfsm.ErrTooSoon) && v.Prompt != nil && v.Prompt.Resend != nil {
		p.wait = max(time.Second, time.Until(v.Prompt.Resend.At))
	}
	s.show(w, r, &v, p)
}

// anew gives the browser a fresh ticket once its verification has ended, or is
// gone. One that is alive has to be canceled first: it holds its number's key.
func (s *site) anew(w http.ResponseWriter, r *http.Request) {
	if t, ok := s.cookies.ticket(r); ok && !t.fresh() {
		v, err := s.machine.Get(r.Context(), t.id())
		switch {
		case errors.Is(err, carrierfsm.ErrNotFound):
		case err != nil:
			s.failed(w, r, err)
			return
		case !v.State.Terminal():
			s.show(w, r, &v, problem{status: http.StatusConflict, word: "still_alive"})
			return
		}
	}
	s.giveTicket(w, newTicket())
	s.show(w, r, nil, problem{})
}
