package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sendWithin is how soon after its intent a call begins, or not at all.
const sendWithin = 5 * time.Second

// Submit takes one input of the person or the host and returns the
// verification after it. In order: the input is checked against what is asked;
// the intent is committed; upstream is called, once; what it answered is
// committed.
//
// A nil error means that the outcome is committed. A wrong password or code is
// no error but a new prompt, and so is an outcome that is not known. With
// ErrPending the input was accepted and goes on without the caller: the
// context ended first, or a cancellation waits, or the outcome can't be
// stored at present. With every other error nothing was sent; the returned
// Verification is the current one where it could be read, so that the person
// can be asked again: ErrInvalid, ErrConsentRequired, ErrNotFound, ErrStale,
// ErrInFlight, ErrNotAwaited, ErrTooMany, ErrTooSoon, ErrPasswordNeeded,
// ErrConflict, ErrClosed, ErrStore, that of a Prechecker, and those of Get. The one exception is
// ErrStale for an answer that came when it had been given up and something
// newer had happened.
//
// Submit takes over the secrets of the input and destroys them. Its caller's
// context ends the waiting, never the call: see Config.CallTimeout.
func (m *Machine) Submit(ctx context.Context, id string, in Input) (Verification, error) {
	if in == nil {
		return Verification{}, &Error{ID: id, Err: invalid("no input")}
	}
	s := submission{Machine: m, id: id, in: in, parts: in.parts()}
	ctx, s.end = m.cfg.Observer.submit(ctx, in.Kind())
	if err := in.check(); err != nil {
		s.destroy()
		return s.refused(&opened{}, err)
	}
	if in.Kind() == InputCancel {
		o, err := s.cancel(ctx)
		s.end(canceled(&o, err))
		return s.answer(&o, err)
	}
	if err := s.precheck(ctx); err != nil {
		s.destroy()
		o, _ := m.load(ctx, id) // to be asked again; what can't be read is not told
		return s.refused(&o, err)
	}
	if err := m.gate.enter(ctx); err != nil {
		s.destroy()
		return s.refused(&opened{}, err)
	}
	begun := false
	defer func() {
		if !begun { // also where the store panicked
			s.leave()
		}
	}()
	o, err := s.begin(ctx)
	if err != nil {
		return s.refused(&o, err)
	}
	begun = true
	return s.proceed(ctx, &o)
}

// precheck asks whether a form is worth sending, where upstream can tell.
func (s *submission) precheck(ctx context.Context) error {
	if p, ok := s.cfg.Upstream.(Prechecker); ok && s.in.Kind() == InputApply {
		return p.Check(ctx, s.form)
	}
	return nil
}

// submission is one input on its way.
type submission struct {
	*Machine
	id string
	in Input
	parts
	// service is the service password that goes with the input: typed, held or carried.
	service Secret
	// end tells the observer what became of it.
	end func(Submitted)
}

// begin checks the input and commits its intent. With an error it returns the
// verification as far as it is known.
func (s *submission) begin(ctx context.Context) (opened, error) {
	for range races {
		o, now, err := s.current(ctx, s.id)
		if err != nil {
			return o, err
		}
		if err := o.refuse(s.in.Kind(), &s.parts, now, s.cfg.Limits); err != nil {
			return o, err
		}
		if err := s.findPassword(&o, now); err != nil {
			return o, err
		}
		d := o.intend(s.in.Kind(), &s.parts, now, now.Add(s.cfg.CallTimeout), s.cfg.Grace)
		err = s.commit(ctx, &d)
		if err == nil {
			return d.opened, nil
		}
		if !errors.Is(err, ErrConflict) {
			return o, err
		}
	}
	return opened{}, ErrConflict
}

// proceed makes the call, in a goroutine of its own where the caller may stop
// waiting.
func (s *submission) proceed(ctx context.Context, o *opened) (Verification, error) {
	if ctx.Done() == nil {
		return s.finish(ctx, o)
	}
	return s.finishAside(ctx, o)
}

func (s *submission) finishAside(ctx context.Context, o *opened) (Verification, error) {
	v, err, waited := s.hands.finish(ctx, s, o)
	if !waited {
		return s.answer(o, fmt.Errorf("%w: %w", ErrPending, ctx.Err()))
	}
	return v, err
}

// finish calls upstream, commits the outcome, and keeps the password if what
// is asked next needs it.
func (s *submission) finish(ctx context.Context, o *opened) (Verification, error) {
	defer s.leave()
	out := s.call(ctx, o)
	d, err := s.conclude(ctx, o, &out)
	s.end(concluded(&d, err))
	after := &d.opened
	v, err := s.answer(after, err)
	if err != nil {
		return v, err
	}
	until := earliest(after.Idle, after.Life)
	if v.Prompt == nil || !after.Ask.needsPassword() { // another source begins with its password
		s.vault.drop(s.id)
		return v, nil
	}
	v.Prompt.Carry = s.codec.carry(after, s.service, until)
	s.vault.hold(after.ID, after.PasswordStep, s.service.clone(), until.Sub(s.now()))
	return v, nil
}

// leave destroys the secrets and makes room for another submission.
func (s *submission) leave() {
	s.destroy()
	s.gate.leave()
}

func (s *submission) destroy() {
	for _, secret := range s.secrets() {
		secret.Destroy()
	}
	s.service.Destroy()
}

// findPassword finds the service password that goes with the input. A code
// without one is refused, unless the host wants it so.
func (s *submission) findPassword(o *opened, now time.Time) error {
	switch {
	case s.in.Kind() == InputApply:
		return nil
	case !s.password.Empty():
		s.service = s.password
		return nil
	}
	s.service.Destroy() // of a try before
	s.service = s.vault.get(o.ID, o.PasswordStep)
	if s.service.Empty() {
		s.service = s.codec.uncarry(o, s.carry, now)
	}
	if s.service.Empty() && s.in.Kind() == InputCaptcha && !s.cfg.CaptchaWithoutPassword {
		return ErrPasswordNeeded
	}
	return nil
}

// refused is what Submit returns for what was not sent.
func (s *submission) refused(o *opened, err error) (Verification, error) {
	s.end(refused(o, err))
	return s.answer(o, err)
}

// answer is what Submit returns.
func (s *submission) answer(o *opened, err error) (v Verification, _ error) {
	if o.Version > 0 {
		v = o.view(s.cfg.Limits)
	}
	if err != nil {
		return v, s.where(o, err)
	}
	return v, nil
}

func (s *submission) where(o *opened, err error) error {
	return &Error{ID: s.id, State: o.State, Step: o.Step, Input: s.in.Kind(), Err: err}
}

// cancel ends the verification, or leaves a note where a call is under way.
func (s *submission) cancel(ctx context.Context) (opened, error) {
	by, err := operator(ctx)
	if err != nil {
		return opened{}, err
	}
	for range races {
		o, now, err := s.current(ctx, s.id)
		if err != nil {
			return o, err
		}
		if err := o.refuse(s.in.Kind(), &s.parts, now, s.cfg.Limits); err != nil {
			return o, err
		}
		switch {
		case o.Intent == nil:
			d := o.cancel(now, s.cfg.Limits, by)
			if err = s.commit(ctx, &d); err == nil {
				s.vault.drop(s.id)
				return d.opened, nil
			}
		case o.Intent.Canceled:
			return o, ErrPending
		default:
			flagged := o.flagCancel(now, by)
			if err = s.commit(ctx, &decision{opened: flagged}); err == nil {
				return flagged, ErrPending
			}
		}
		if !errors.Is(err, ErrConflict) {
			return o, err
		}
	}
	return opened{}, ErrConflict
}
