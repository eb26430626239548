package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Submit submits one input of the person or the host and returns the
// verification after it. In order: the input is checked against the prompt, the
// intent is committed, upstream is called once, and the outcome is committed.
//
// A nil error means that the outcome is committed. A wrong password or code is
// no error but a new prompt, and so is an unknown outcome. ErrPending means
// that the input was accepted and its outcome follows without the caller: the
// context ended first, a cancellation waits, or the outcome can't be stored at
// present. With every other error nothing was sent, and the returned
// Verification is the current one where it could be read, so that the person
// can be asked again: ErrInvalid, ErrConsentRequired, ErrNotFound, ErrStale,
// ErrInFlight, ErrNotAwaited, ErrTooMany, ErrTooSoon, ErrPasswordNeeded,
// ErrConflict, ErrClosed, ErrStore, that of a Prechecker, and those of Get. The
// one exception is ErrStale for a reply that came after its call had been given
// up and something newer had happened.
//
// Submit takes over the Secrets of the input and destroys them. The caller's
// context ends the waiting, never the call: see Config.CallTimeout.
func (m *Machine) Submit(ctx context.Context, id string, in Input) (Verification, error) {
	if in == nil {
		return Verification{}, &Error{ID: id, Err: invalid("no input")}
	}
	s := &submission{Machine: m, id: id, in: in, inputFields: in.fields()}
	ctx, s.done = m.cfg.Observer.submit(ctx, in.Kind())
	if err := in.check(); err != nil {
		return s.refused(&snapshot{}, err)
	}
	if in.Kind() == InputCancel {
		snap, err := s.cancel(ctx)
		s.done(submitCanceled(&snap, err))
		return s.result(&snap, err)
	}
	if err := s.precheck(ctx); err != nil {
		snap, _ := m.load(ctx, id) // only to return the prompt: an error does not matter
		return s.refused(&snap, err)
	}
	if err := m.enter(ctx); err != nil {
		return s.refused(&snapshot{}, err)
	}
	return s.run(ctx)
}

// result is what Submit returns.
type result struct {
	v   Verification
	err error
}

// run commits the intent, then calls upstream in a goroutine of its own, so
// that the caller can stop waiting. It leaves the place that enter took.
func (s *submission) run(ctx context.Context) (Verification, error) {
	begun := false
	defer func() {
		if !begun { // refused, or the store panicked
			s.leave()
		}
	}()
	snap, err := s.begin(ctx)
	if err != nil {
		return s.refused(&snap, err)
	}
	begun = true
	finished := make(chan result, 1)
	go func() {
		v, err := s.finish(context.WithoutCancel(ctx), &snap)
		finished <- result{v, err}
	}()
	select {
	case r := <-finished:
		return r.v, r.err
	case <-ctx.Done():
		return s.result(&snap, fmt.Errorf("%w: %w", ErrPending, ctx.Err()))
	}
}

// precheck asks upstream, where it is a Prechecker, whether to send a form.
func (s *submission) precheck(ctx context.Context) error {
	if p, ok := s.cfg.Upstream.(Prechecker); ok && s.in.Kind() == InputApply {
		return p.Check(ctx, s.form)
	}
	return nil
}

// begin checks the input and commits its intent. With an error it returns the
// verification as far as it is known.
func (s *submission) begin(ctx context.Context) (snapshot, error) {
	for range maxCASRetries {
		snap, now, err := s.current(ctx, s.id)
		if err != nil {
			return snap, err
		}
		if err := snap.refuse(s.in.Kind(), &s.inputFields, now, s.cfg.Limits); err != nil {
			return snap, err
		}
		if err := s.findPassword(&snap, now); err != nil {
			return snap, err
		}
		d := snap.intend(s.in.Kind(), &s.inputFields, now, now.Add(s.cfg.CallTimeout), s.cfg.Grace)
		err = s.commit(ctx, &d)
		if err == nil {
			return d.snapshot, nil
		}
		if !errors.Is(err, ErrConflict) {
			return snap, err
		}
	}
	return snapshot{}, ErrConflict
}

// findPassword finds the service password that is sent with the input. A code
// without one is refused, unless the host allows it.
func (s *submission) findPassword(snap *snapshot, now time.Time) error {
	switch {
	case s.in.Kind() == InputApply:
		return nil
	case !s.password.Empty():
		s.service = s.password
		return nil
	}
	s.service.Destroy() // of an earlier try
	s.service = s.cachedPassword(snap.ID, snap.PasswordStep)
	if s.service.Empty() {
		s.service = s.codec.openPassword(snap, s.carry, now)
	}
	if s.service.Empty() && s.in.Kind() == InputCaptcha && !s.cfg.CaptchaWithoutPassword {
		return ErrPasswordNeeded
	}
	return nil
}

// finish calls upstream, commits the outcome, and caches the password if the
// next prompt needs it.
func (s *submission) finish(ctx context.Context, snap *snapshot) (Verification, error) {
	defer s.leave()
	out := s.call(ctx, snap)
	d, err := s.commitOutcome(ctx, snap, &out)
	s.done(submitSettled(&d, err))
	after := &d.snapshot
	v, err := s.result(after, err)
	if err != nil {
		return v, err
	}
	switch {
	case v.Prompt == nil:
		s.forget(s.id)
		return v, nil
	case !after.Ask.needsPassword():
		s.passwords.Delete(s.id)
		return v, nil
	}
	until := earliest(after.Idle, after.Life)
	v.Prompt.Carry = s.codec.sealCarry(after, s.service, until)
	s.cachePassword(after.ID, after.PasswordStep, s.service, until.Sub(s.now()))
	return v, nil
}

// leave destroys the secrets and makes room for another submission.
func (s *submission) leave() {
	s.destroySecrets()
	s.inFlight.Release()
}

func (s *submission) destroySecrets() {
	s.destroy()
	s.service.Destroy()
}

// refused is the end of a submission that was not sent.
func (s *submission) refused(snap *snapshot, err error) (Verification, error) {
	s.destroySecrets()
	s.done(submitRefused(snap, err))
	return s.result(snap, err)
}

// result is what Submit returns for a snapshot and an error.
func (s *submission) result(snap *snapshot, err error) (v Verification, _ error) {
	if snap.Version > 0 {
		v = snap.view(s.cfg.Limits)
	}
	if err != nil {
		return v, &Error{ID: s.id, State: snap.State, Step: snap.Step, Input: s.in.Kind(), Err: err}
	}
	return v, nil
}

// cancel ends the verification, or flags its intent where a call is under way.
func (s *submission) cancel(ctx context.Context) (snapshot, error) {
	by, err := Operator(ctx)
	if err != nil {
		return snapshot{}, err
	}
	for range maxCASRetries {
		snap, now, err := s.current(ctx, s.id)
		if err != nil {
			return snap, err
		}
		if err := snap.refuse(s.in.Kind(), &s.inputFields, now, s.cfg.Limits); err != nil {
			return snap, err
		}
		switch {
		case snap.Intent == nil:
			d := snap.cancel(now, s.cfg.Limits, by)
			if err = s.commit(ctx, &d); err == nil {
				s.forget(s.id)
				return d.snapshot, nil
			}
		case snap.Intent.Canceled:
			return snap, ErrPending
		default:
			flagged := snap.flagCancel(now, by)
			if err = s.commit(ctx, &decision{snapshot: flagged}); err == nil {
				return flagged, ErrPending
			}
		}
		if !errors.Is(err, ErrConflict) {
			return snap, err
		}
	}
	return snapshot{}, ErrConflict
}
