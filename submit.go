package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// Submit submits one input of the person or the host and returns the
// verification after it. In order: what the person typed is read (see package typed)
// and checked against the prompt, the intent is committed, upstream is called once,
// and the outcome is committed.
//
// A nil error means that the outcome is committed. A wrong password or code is
// no error but a new prompt, and so is an unknown outcome.
//
// ErrPending means that the input was accepted and its outcome follows without the
// caller: the context ended first, Close stopped waiting, a cancellation waits for the
// call under way, or the outcome can't be stored at present.
//
// With every other error nothing was sent, except with ErrStale for a reply that came
// after its call had been given up and something newer had happened. The returned
// Verification is the current one where it could be read, so that the person can be asked
// again. These errors are ErrInvalid, ErrConsentRequired, ErrStale, ErrInFlight,
// ErrNotAwaited, ErrTooMany (of a number's budget with a *budget.ExceededError),
// ErrTooSoon, ErrPasswordNeeded, ErrOtherShard, that of a Prechecker, and those of Get.
//
// Submit takes over the Secrets of the input and destroys them. The caller's
// context ends the waiting, never the call: see Config.CallTimeout.
func (m *Machine) Submit(ctx context.Context, id string, in Input) (Verification, error) {
	if in == nil {
		v, _ := m.Get(ctx, id) // only to return the prompt: an error does not matter
		return v, &Error{ID: id, State: v.State, Step: v.Step, Err: invalid("no input")}
	}
	s := &submission{Machine: m, id: id, in: in, inputFields: in.fields()}
	ctx, s.done = m.cfg.Observer.submit(ctx, in.Kind())
	if err := m.enter(); err != nil {
		return s.refused(&snapshot{}, err)
	}
	defer m.leave()
	s.fold()
	if err := in.check(&s.inputFields); err != nil {
		return s.refusedNow(ctx, err)
	}
	if in.Kind() == InputCancel {
		return s.submitCancel(ctx)
	}
	if err := s.precheck(ctx); err != nil {
		return s.refusedNow(ctx, err)
	}
	if err := m.acquireInFlight(ctx); err != nil {
		return s.refusedNow(ctx, err)
	}
	return s.run(ctx, s.begin)
}

// run commits the intent with begin, then calls upstream in a goroutine of its own,
// so that the caller can stop waiting. It undoes acquireInFlight.
func (s *submission) run(ctx context.Context, begin func(context.Context) error) (Verification, error) {
	begun := false
	defer func() {
		if !begun { // refused, or the store panicked
			s.release()
		}
	}()
	if err := begin(ctx); err != nil {
		return s.refused(&s.intended, err)
	}
	begun = true
	s.finished = make(chan struct{})
	s.calls.Hold()
	go s.finish(context.WithoutCancel(ctx))
	select {
	case <-s.finished:
		return s.after, s.err
	case <-ctx.Done():
		return s.result(&s.intended, fmt.Errorf("%w: %w", ErrPending, ctx.Err()))
	case <-s.abandoned:
		return s.result(&s.intended, fmt.Errorf("%w: %w", ErrPending, ErrClosed))
	}
}

// precheck asks upstream, where it is a Prechecker, whether to send a form.
func (s *submission) precheck(ctx context.Context) error {
	if p, ok := s.cfg.Upstream.(Prechecker); ok && s.in.Kind() == InputApply {
		return p.Check(ctx, s.form)
	}
	return nil
}

// begin checks the input, commits its intent and sets s.intended.
func (s *submission) begin(ctx context.Context) error {
	var d decision
	if err := s.beginCached(ctx, &d); !errors.Is(err, ErrConflict) {
		return err
	}
	for range maxCASRetries {
		snap, _, err := s.current(ctx, s.id)
		if s.intended = *snap; err != nil {
			return err
		}
		err = s.intend(&d, snap)
		if err == nil {
			err = s.claim(ctx, &d, s.store.Commit)
		}
		if err == nil {
			s.intended = d.snapshot
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// beginCached is begin without a load, where a snapshot is cached: the commit proves
// that it is the stored record. ErrConflict means that the record has to be loaded:
// a refusal that was decided on a cached snapshot is never returned.
func (s *submission) beginCached(ctx context.Context, d *decision) error {
	last := s.cachedSnapshot(s.id)
	cached, ok := last.unpack(s.id)
	if !ok || checkMark(ctx, &cached.Record) != nil {
		return ErrConflict
	}
	if refusal := s.intend(d, cached); refusal != nil {
		return ErrConflict
	}
	err := s.claim(ctx, d, s.store.Commit)
	if err == nil {
		s.intended = d.snapshot
		return nil
	}
	s.dropSnapshot(s.id, last)
	if errors.Is(err, ErrStore) || ctx.Err() != nil { // the commit may have taken place
		snap, _, _ := s.current(ctx, s.id)
		s.intended = *snap
		return err
	}
	return ErrConflict
}

// intend checks the input against a snapshot and sets d to its intent. ErrConflict
// means that a deadline has to be settled first.
func (s *submission) intend(d *decision, snap *snapshot) error {
	var now time.Time
	now, s.begun = s.clocks() // a pause between the two readings ends the call earlier
	if snap.isDue(now) && !s.clockAhead(s.partOf(snap.ID)) {
		return ErrConflict
	}
	if err := snap.refuse(s.in.Kind(), &s.inputFields, now, s.cfg.Limits); err != nil {
		return err
	}
	if err := s.findPassword(snap, now); err != nil {
		return err
	}
	d.intend(snap, s.in.Kind(), &s.inputFields, now, now.Add(s.cfg.CallTimeout), s.cfg.Grace)
	d.spend(s.in.Kind(), !s.service.Empty(), s.cfg.Limits)
	return nil
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

// finish calls upstream, commits the outcome and sets what Submit returns.
// All that follows the call is deferred: an upstream that ends the goroutine, as
// testing.T.FailNow does, leaves an unknown outcome.
func (s *submission) finish(ctx context.Context) {
	growStack()
	snap, concluded := &s.intended, false
	defer s.leave()
	defer func() {
		if !concluded { // the store panicked or ended the goroutine
			s.after, s.err = Verification{}, &Error{ID: s.id, State: snap.State, Step: snap.Step, Input: s.in.Kind(), Err: ErrPending}
		}
		close(s.finished)
	}()
	defer s.release()
	out := outcome{fault: FaultUnknown}
	defer func() {
		s.err = s.conclude(ctx, snap, &out)
		concluded = true
	}()
	out = s.call(ctx, snap)
}

// growStack makes the stack of a new goroutine as large as a call needs, at once:
// growing it step by step, with more frames to copy each time, takes a tenth of the
// time of a Submit in memory.
//
//go:noinline
func growStack() byte {
	if firstByte == 0 {
		return 0 // the frame had the room for the array, which need not be cleared
	}
	var room [12 << 10]byte
	return room[firstByte]
}

var firstByte int // a variable, so that the compiler needs the array

// conclude commits the outcome, sets s.after, and caches the password if the next prompt
// needs it, with the snapshot.
func (s *submission) conclude(ctx context.Context, snap *snapshot, out *outcome) error {
	var d decision
	err := s.commitOutcome(ctx, &d, snap, out, s.end(snap))
	s.done(submitSettled(&d, err))
	after, v := &d.snapshot, &s.after
	if *v, err = s.result(after, err); err != nil {
		return err
	}
	if after.State == Failed || after.Reason.outcome() != SubmitAccepted {
		s.showBudgets(ctx, after, v)
	}
	switch {
	case v.Prompt == nil:
		s.forget(s.id)
		return nil
	case !after.Ask.needsPassword():
		s.passwords.Delete(s.id)
		return nil
	}
	until := earliest(after.Idle, after.Life)
	v.Prompt.Carry = s.codec.sealCarry(after, s.service, until)
	s.cachePassword(after, s.service, until.Sub(s.now()))
	return nil
}

// release destroys the secrets and undoes acquireInFlight.
func (s *submission) release() {
	s.destroySecrets()
	s.inFlight.Release()
}

func (s *submission) destroySecrets() {
	s.destroy()
	s.service.Destroy()
}

// refusedNow is refused with the current verification, where it can be read.
func (s *submission) refusedNow(ctx context.Context, err error) (Verification, error) {
	snap, _, _ := s.current(ctx, s.id)
	return s.refused(snap, err)
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
		var over *budget.ExceededError
		if errors.As(err, &over) {
			s.limited.Add(1)
			if v.Prompt != nil {
				v.Prompt.limit(s.in.Kind(), over)
			}
		}
		return v, &Error{ID: s.id, State: snap.State, Step: snap.Step, Input: s.in.Kind(), Err: err}
	}
	return v, nil
}

// submitCancel is Submit for a cancellation.
func (s *submission) submitCancel(ctx context.Context) (Verification, error) {
	by, err := Operator(ctx)
	if err != nil {
		return s.refusedNow(ctx, err)
	}
	snap, err := s.cancel(ctx, by)
	s.done(submitCanceled(snap, err))
	v, err := s.result(snap, err)
	if err == nil {
		s.showBudgets(ctx, snap, &v)
	}
	return v, err
}

// cancel ends the verification, or flags its intent where a call is under way.
func (s *submission) cancel(ctx context.Context, by string) (snap *snapshot, err error) {
	for range maxCASRetries {
		var now time.Time
		if snap, now, err = s.current(ctx, s.id); err != nil {
			return snap, err
		}
		if err := snap.refuse(s.in.Kind(), &s.inputFields, now, s.cfg.Limits); err != nil {
			return snap, err
		}
		switch {
		case snap.Intent == nil:
			d := new(decision)
			d.cancel(snap, now, s.cfg.Limits, by)
			if err = s.commit(ctx, d); err == nil {
				s.forget(s.id)
				return &d.snapshot, nil
			}
		case snap.Intent.Canceled:
			return snap, ErrPending
		default:
			flagged := &decision{snapshot: snap.flagCancel(now, by)}
			if err = s.commit(ctx, flagged); err == nil {
				return &flagged.snapshot, ErrPending
			}
		}
		if !errors.Is(err, ErrConflict) {
			return snap, err
		}
	}
	return snap, ErrConflict
}
