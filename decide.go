package carrierfsm

import "time"

// The decisions: values in, values out. No clock, no store, no upstream. The
// Machine carries them out.

// refuse tells why an input is not taken now; nil if it is.
func (o *opened) refuse(kind InputKind, p *parts, now time.Time, l Limits) error {
	switch {
	case o.State.Terminal():
		return ErrNotAwaited
	case kind == InputCancel:
		return nil
	case o.Intent != nil:
		return ErrInFlight
	case p.step < o.Step:
		return ErrStale
	case p.step > o.Step:
		return invalid("the input answers a prompt that was not yet shown")
	case kind == InputResendCaptcha:
		return o.refuseResend(now, l)
	case kind == InputRequestReset:
		return o.refuseReset(l)
	case kind == InputSkipSource:
		return o.refuseSkip()
	case kind == InputPassword && o.Ask == PromptResetCaptcha: // leaves the reset
	case answeredBy[o.Ask] != kind:
		return ErrNotAwaited
	}
	if kind == InputResetCaptcha {
		if err := o.refuseNewPassword(p.chosen); err != nil {
			return err
		}
	}
	for _, k := range o.counts(kind, p) {
		if k != "" && o.Attempts.of(k) >= l.attempts(k) {
			return ErrTooMany
		}
	}
	return nil
}

func (o *opened) refuseResend(now time.Time, l Limits) error {
	switch {
	case !o.Ask.resendable():
		return ErrNotAwaited
	case o.Resends >= l.Resends:
		return ErrTooMany
	case now.Before(o.ResendAt):
		return ErrTooSoon
	}
	return nil
}

// counts are the attempts that an input uses up: that of the prompt, and of
// the password where one is typed again beside a code. Empty ones count nothing.
func (o *opened) counts(in InputKind, p *parts) [2]PromptKind {
	switch {
	case in == InputResendCaptcha, in == InputRequestReset, in == InputSkipSource:
		return [2]PromptKind{}
	case in == InputPassword:
		return [2]PromptKind{PromptPassword}
	case in == InputCaptcha && !p.password.Empty():
		return [2]PromptKind{o.Ask, PromptPassword}
	default:
		return [2]PromptKind{o.Ask}
	}
}

// calls is the call that an input leads to.
func (o *opened) calls(in InputKind) Call {
	if in == InputResendCaptcha && o.Ask == PromptResetCaptcha {
		return CallReset
	}
	return callOf[in]
}

// callOf is the call that an input leads to, but for another code in a reset.
var callOf = map[InputKind]Call{
	InputApply:         CallApply,
	InputPassword:      CallCollect,
	InputQueryPassword: CallCollect,
	InputCaptcha:       CallCollect,
	InputResendCaptcha: CallResend,
	InputRequestReset:  CallReset,
	InputResetCaptcha:  CallReset,
	InputSkipSource:    CallSkip,
}

// intend opens an intent for an input that was not refused: from this commit
// on the attempt is spent, whatever becomes of the call.
func (o *opened) intend(kind InputKind, p *parts, now, deadline time.Time, grace time.Duration) (d decision) {
	d.opened = *o
	d.touch(now)
	note := &struct { // one piece of memory
		intent
		counted [2]PromptKind
	}{intent: intent{Version: d.Version, Call: o.calls(kind), Input: kind, At: now, Deadline: deadline}}
	for i, k := range o.counts(kind, p) {
		if k != "" {
			note.counted[i] = k
			note.Counted = note.counted[:i+1]
		}
	}
	d.Intent = &note.intent
	d.Attempts = o.Attempts.plus(1, note.Counted...)
	switch {
	case kind == InputApply:
		consent := p.consent
		consent.At = storeTime(consent.At)
		d.Account, d.Consent = p.form.Phone, &consent
	case kind == InputResendCaptcha:
		d.Resends++
	case kind == InputRequestReset:
		d.Resets++
	case !p.password.Empty():
		d.PasswordStep = p.step
	}
	d.Due = deadline.Add(grace)
	return d
}

// flagCancel notes that a cancellation waits for the call under way.
func (o opened) flagCancel(now time.Time, by string) opened {
	o.touch(now)
	flagged := *o.Intent
	flagged.Canceled, flagged.By = true, by
	o.Intent = &flagged
	return o
}

// touch makes o the next version of the record.
func (o *opened) touch(now time.Time) {
	o.Version++
	o.Updated = now
	o.Lost = nil
}

// outcome is what became of a call: a reply, or a fault where there was none.
type outcome struct {
	fault   Fault
	reply   Reply  // Content is clean already
	receipt string // token, for an application
	source  Source // for an application
}

// settle decides what an outcome means for the verification whose intent it
// answers, or for one whose intent was given up in its latest commit.
func (o *opened) settle(out *outcome, now time.Time, l Limits) (d decision) {
	in := o.Intent
	late := in == nil
	if late {
		in = o.Lost
	}
	d.begin(o, now, l)
	d.Intent = nil
	d.detail = Detail{Input: in.Input, Fault: out.fault, Late: late}
	if out.fault != "" {
		d.fault(out.fault, in)
	} else {
		d.reply(out, in)
	}
	d.bound()
	switch {
	case d.State.Terminal():
	case in.Canceled:
		d.by = in.By
		d.clock(Canceled)
	case !now.Before(d.Life):
		d.clock(Expired)
	}
	d.end()
	return d
}

// isDue tells whether the clock says anything yet.
func (o *opened) isDue(now time.Time) bool {
	return !o.Due.IsZero() && !now.Before(o.Due) && !o.State.Terminal()
}

// overdue decides what the clock says; ok is false where it says nothing yet.
func (o *opened) overdue(now time.Time, l Limits) (d decision, ok bool) {
	if !o.isDue(now) {
		return d, false
	}
	if in := o.Intent; in != nil {
		d = o.settle(&outcome{fault: FaultUnknown}, now, l)
		if !d.State.Terminal() {
			d.Lost = in
		}
		return d, true
	}
	d.begin(o, now, l)
	if end := earliest(o.Idle, o.Life); !now.Before(end) {
		d.clock(Expired)
	} else {
		d.move(CaptchaExpired)
		d.ask(CaptchaExpired, o.Ask)
		d.bound()
	}
	d.end()
	return d, true
}

// cancel ends a verification that has no call under way.
func (o *opened) cancel(now time.Time, l Limits, by string) (d decision) {
	d.begin(o, now, l)
	d.detail.Input, d.by = InputCancel, by
	d.clock(Canceled)
	d.end()
	return d
}

// expire ends a verification that has no call under way, before its time.
func (o *opened) expire(now time.Time, l Limits, by string) (d decision) {
	d.begin(o, now, l)
	d.by = by
	d.clock(Expired)
	d.end()
	return d
}

// erase leaves a tombstone: the columns without what could be personal, an
// empty body. It does not need the old body, which may be sealed for others.
func (o opened) erase(now time.Time, by string) (d decision) {
	o.body = body{}
	d.begin(&o, now, Limits{})
	d.detail.By = by
	d.move(Erased)
	d.Source, d.Attempts = "", nil
	d.end()
	return d
}

// storeTime cuts a time to what stores keep: whole microseconds, UTC.
func storeTime(t time.Time) time.Time { return t.Truncate(time.Microsecond).UTC() }
