package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/typed"
)

// postInput submits the person's answer.
func (s *site) postInput(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("input")
	input, known := inputs[name]
	if !known {
		refuse(w, r, problem{status: http.StatusNotFound, code: "no_page"})
		return
	}
	t, ok := s.cookies.ticket(r)
	if !ok || t.isNew() && name != "apply" {
		refuse(w, r, problem{status: http.StatusForbidden, code: "no_ticket"})
		return
	}
	in, err := decodeSubmission(r)
	if err != nil {
		refuse(w, r, problemOf(err))
		return
	}
	if name == "apply" {
		if t, err = s.createVerification(r.Context(), t, &in); err != nil {
			s.respondSubmission(w, r, carrierfsm.Verification{}, err)
			return
		}
		s.setTicket(w, t)
	}
	v, err := s.submit(r.Context(), t.id(), input(in, s.cookies.carry(r)))
	s.respondSubmission(w, r, v, err)
}

// createVerification creates the verification of a form, unless its ticket and number
// have one already. The ticket's earlier verification, of another number whose form
// was refused, is canceled.
func (s *site) createVerification(ctx context.Context, t ticket, in *submission) (ticket, error) {
	// A form that would be refused creates nothing.
	if in.Consent != consentPolicy {
		return t, carrierfsm.ErrConsentRequired
	}
	form := in.form()
	defer func() { // Submit gets another one
		for _, s := range []carrierfsm.Secret{form.Name, form.IDCard, form.Phone} {
			s.Destroy()
		}
	}()
	if err := form.Check(); err != nil {
		return t, err
	}
	phone, err := typed.Phone(in.Phone) // the same number has the same hash in every spelling
	if err != nil {
		return t, fmt.Errorf("%w: %w", carrierfsm.ErrInvalid, err)
	}
	before, number := t, s.keys.hash(phone)
	t.number = number
	_, err = s.machine.Create(ctx, carrierfsm.NewVerification{ID: t.id(), Key: number})
	switch {
	case errors.Is(err, carrierfsm.ErrExists):
		return t, nil
	case err != nil:
		return before, err
	}
	in.Step = 0
	if !before.isNew() {
		_, _ = s.machine.Submit(ctx, before.id(), carrierfsm.Cancel{}) // if this fails, its deadline ends it
	}
	return t, nil
}

// submit submits an input and waits for the outcome, at most waitLimit. Upstream may
// take minutes, and proxies close connections that are idle for one. After waitLimit
// it returns ErrPending, and the page polls.
func (s *site) submit(ctx context.Context, id string, in carrierfsm.Input) (carrierfsm.Verification, error) {
	type outcome struct {
		v   carrierfsm.Verification
		err error
	}
	done := make(chan outcome, 1)
	go func() { // ends with the call, which has a timeout; Machine.Close waits for it
		v, err := s.machine.Submit(context.WithoutCancel(ctx), id, in)
		if err == nil {
			s.carries.store(v)
		}
		s.changes.notify(id)
		done <- outcome{v, err}
	}()
	timeout := time.NewTimer(s.waitLimit)
	defer timeout.Stop()
	select {
	case o := <-done:
		return o.v, o.err
	case <-timeout.C:
	case <-s.changes.closed:
	case <-ctx.Done():
	}
	v, err := s.machine.Read(context.WithoutCancel(ctx), id)
	if err != nil {
		return v, err
	}
	return v, carrierfsm.ErrPending
}

// respondSubmission responds to a submission with the present screen, and a problem
// after an error.
func (s *site) respondSubmission(w http.ResponseWriter, r *http.Request, v carrierfsm.Verification, err error) {
	var p problem
	if err != nil {
		p = problemOf(err)
	}
	if p.status >= http.StatusInternalServerError {
		s.log.WarnContext(r.Context(), "submission failed", "route", r.Pattern, "error", err)
	}
	if v.ID == "" { // the verification is unknown
		refuse(w, r, p)
		return
	}
	if errors.Is(err, carrierfsm.ErrTooSoon) && v.Prompt != nil && v.Prompt.Resend != nil {
		p.wait = max(time.Second, time.Until(v.Prompt.Resend.At))
	}
	s.show(w, r, &v, p)
}

// startOver issues a new ticket if the present verification has ended or does not
// exist. A live one must be canceled first: it holds its number's key.
func (s *site) startOver(w http.ResponseWriter, r *http.Request) {
	if t, ok := s.cookies.ticket(r); ok && !t.isNew() {
		v, err := s.machine.Get(r.Context(), t.id())
		switch {
		case errors.Is(err, carrierfsm.ErrNotFound):
		case err != nil:
			s.respondError(w, r, err)
			return
		case !v.State.Terminal():
			s.show(w, r, &v, problem{status: http.StatusConflict, code: "still_alive"})
			return
		}
	}
	s.setTicket(w, newTicket())
	s.show(w, r, nil, problem{})
}
