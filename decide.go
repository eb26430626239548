package carrierfsm

import (
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// This file is the pure core: each method takes a snapshot, the time and what
// happened, and sets d to the next version of the record with its transitions.
// It reads no clock and calls no store or upstream; the Machine does that.

// intend opens the intent of an input that refuse accepted. The attempt counts
// from its commit on, whatever becomes of the call.
func (d *decision) intend(s *snapshot, kind InputKind, f *inputFields, now, deadline time.Time, grace time.Duration) {
	*d = decision{snapshot: *s}
	d.touch(now)
	note := &struct { // one allocation
		intent
		counted [2]PromptKind
	}{intent: intent{Version: d.Version, Call: s.callFor(kind), Input: kind, At: now, Deadline: deadline}}
	for i, k := range s.counts(kind, f) {
		if k != "" {
			note.counted[i] = k
			note.Counted = note.counted[:i+1]
		}
	}
	d.Intent = &note.intent
	d.Attempts = s.Attempts.plus(1, note.Counted...)
	switch {
	case kind == InputApply:
		consent := f.consent
		consent.At = storeTime(consent.At)
		d.Account, d.Consent = f.form.Phone.reveal(), &consent
		if d.Sources = nil; len(f.form.Sources) > 1 {
			d.Sources = &sources{Wanted: len(f.form.Sources)}
		}
	case kind == InputResendCaptcha:
		d.Resends++
	case kind == InputRequestReset:
		d.Resets++
	case !f.password.Empty():
		d.PasswordStep = f.step
	}
	d.Due = deadline.Add(grace)
}

// callFor is the call that an input leads to.
func (s *snapshot) callFor(kind InputKind) Call {
	if kind == InputResendCaptcha && s.Ask == PromptResetCaptcha {
		return CallReset
	}
	return callOf[kind]
}

// callOf is the call that an input leads to, except for another code of a reset.
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

// settle decides the outcome of the open intent, or a late reply to the intent
// that the latest commit settled as unknown.
func (d *decision) settle(s *snapshot, out *outcome, now time.Time, l Limits) {
	in := s.Intent
	late := in == nil
	if late {
		in = s.Lost
	}
	d.begin(s, now, l)
	d.Intent = nil
	d.detail = Detail{Input: in.Input, Fault: out.fault, Late: late}
	if out.fault != "" {
		d.applyFault(out.fault, in)
	} else {
		d.applyReply(out, in)
	}
	d.endIfExhausted()
	switch {
	case d.State.Terminal():
	case in.Canceled:
		d.by = in.By
		d.moveByItself(Canceled)
	case !now.Before(d.Life):
		d.moveByItself(Expired)
	}
	d.finish()
}

// overdue decides a deadline that has passed: that of the open intent, of the
// code, or of the prompt. It returns false where none has.
func (d *decision) overdue(s *snapshot, now time.Time, l Limits) bool {
	if !s.isDue(now) {
		return false
	}
	if in := s.Intent; in != nil {
		d.settle(s, &outcome{fault: FaultUnknown}, now, l)
		if !d.State.Terminal() {
			lost := *in
			lost.Spent = d.kept
			d.Lost = &lost
		}
		return true
	}
	d.begin(s, now, l)
	if end := earliest(s.Idle, s.Life); !now.Before(end) {
		d.moveByItself(Expired)
	} else {
		d.move(CaptchaExpired)
		d.ask(CaptchaExpired, s.Ask)
		d.endIfExhausted()
	}
	d.finish()
	return true
}

// flagCancel notes in the open intent that a cancellation waits for it.
func (s snapshot) flagCancel(now time.Time, by string) snapshot {
	s.touch(now)
	flagged := *s.Intent
	flagged.Canceled, flagged.By = true, by
	s.Intent = &flagged
	return s
}

// cancel ends a verification that has no call under way.
func (d *decision) cancel(s *snapshot, now time.Time, l Limits, by string) {
	d.begin(s, now, l)
	d.detail.Input, d.by = InputCancel, by
	d.moveByItself(Canceled)
	d.finish()
}

// replace ends a verification that proved nothing, for a newer one of its number.
func (d *decision) replace(s *snapshot, now time.Time, l Limits) {
	key := s.Key
	d.begin(s, now, l)
	d.moveByItself(Canceled)
	if d.Ended != nil {
		d.Ended.Replaced = true
	}
	d.finish()
	d.spends = l.budgets.spends(key, now, charges{kinds: [3]budget.Kind{budget.Places}})
}

// expire ends a verification that has no call under way before its deadline.
func (d *decision) expire(s *snapshot, now time.Time, l Limits, by string) {
	d.begin(s, now, l)
	d.by = by
	d.moveByItself(Expired)
	d.finish()
}

// erase leaves a tombstone: the columns that are not personal, and an empty
// body. It does not need the old body, which may be sealed with another key.
func (d *decision) erase(s *snapshot, now time.Time, by string) {
	d.begin(s, now, Limits{})
	d.body, d.since = body{}, time.Time{}
	d.detail.By = by
	d.move(Erased)
	d.Source, d.Attempts, d.Ended = "", nil, nil
	d.finish()
}

// reportTimeout is how long a Reporter may take for one answer.
const reportTimeout = 30 * time.Second

// claimReport is the next version of a record whose report is due: the machine
// that commits it asks the Reporter, and the record is due again later. It
// keeps the time of the latest change, so that a report that never comes does
// not keep the record from being purged.
func (s snapshot) claimReport(now time.Time, l Limits) snapshot {
	s.touch(s.Updated)
	w := *s.Watch
	wait := l.ReportMin
	for range w.Tries {
		if wait >= l.ReportMax/2 {
			wait = l.ReportMax
			break
		}
		wait *= 2
	}
	if !now.Before(w.Until) { // the Reporter only failed for so long: ask rarely
		wait = max(wait, l.ReportLife/4)
	}
	w.Tries++
	s.Watch = &w
	s.Due = now.Add(max(wait, reportTimeout+time.Second))
	return s
}

// postponeReport is the next version of a record whose report is due, for a
// machine without a Reporter: that of another replica may be asked, until ReportLife ends.
func (s snapshot) postponeReport(now time.Time, l Limits) snapshot {
	s.touch(s.Updated)
	if s.Due = now.Add(l.ReportMax); !now.Before(s.Watch.Until) {
		s.Watch, s.Due = nil, time.Time{}
	}
	return s
}

// reported decides a Reporter's answer. It returns false where the report is still
// awaited.
func (d *decision) reported(s *snapshot, state ReportState, now time.Time, l Limits) bool {
	event := ReportReady
	switch {
	case state == ReportStateReady:
	case state == ReportStateFailed, !now.Before(s.Watch.Until):
		event = ReportFailed
	default:
		return false
	}
	d.begin(s, now, l)
	d.Watch = nil
	d.move(event)
	d.finish()
	return true
}
