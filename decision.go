package carrierfsm

import "time"

// decision is the next version of a verification in the making, with the
// transitions that led there.
type decision struct {
	opened
	transitions []Transition

	since  time.Time // when the state was entered that the decision found
	now    time.Time
	limits Limits
	detail Detail
	by     string // the operator who ends it
	err    error
}

// begin begins a decision on a copy of o, which stays as it is.
func (d *decision) begin(o *opened, now time.Time, l Limits) {
	d.opened, d.since, d.now, d.limits = *o, o.Since, now, l
	d.touch(now)
}

// move makes one transition; looplab says where it leads.
func (d *decision) move(event Event) {
	to, err := next(d.State, event)
	if err != nil {
		d.err = err
		return
	}
	d.Step++
	detail := d.detail
	detail.Source, detail.Tables = d.At.Website, tablesHash
	d.transitions = append(d.transitions, Transition{
		ID: d.ID, Step: d.Step, From: d.State, Event: event, To: to, At: d.now, Detail: detail,
	})
	if to != d.State {
		d.Since = d.now
	}
	d.State, d.Reason = to, event
}

// clock makes a transition that upstream had no part in.
func (d *decision) clock(event Event) {
	d.detail = Detail{Input: d.detail.Input, By: d.by}
	d.move(event)
}

// fault decides a call that brought no reply.
func (d *decision) fault(f Fault, in *intent) {
	event := faultEvents[f]
	d.move(event)
	d.Message = ""
	d.Skipping = d.Skipping || in.Call == CallSkip && f == FaultUnknown
	switch {
	case f == FaultNotSent:
		d.giveBack(in)
	case in.Call != CallApply: // upstream may have seen the token, until the deadline at the latest
		d.Idle = earliest(d.now, in.Deadline).Add(d.limits.IdleLife)
	}
	d.ask(event, d.Ask)
}

// giveBack returns the attempts of an intent that was certainly not sent.
func (d *decision) giveBack(in *intent) {
	d.Attempts = d.Attempts.plus(-1, in.Counted...)
	switch in.Input {
	case InputResendCaptcha:
		d.Resends--
	case InputRequestReset:
		d.Resets--
	}
}

// reply decides what upstream answered.
func (d *decision) reply(out *outcome, in *intent) {
	r, source := out.reply, d.At
	if r.Next != nil && r.Next.Website == "" {
		r.Next = nil
	}
	switch {
	case in.Call == CallApply:
		source = out.source
	case d.Resets >= d.limits.Resets:
		source.ResetMethod = ResetNone // not any more
	}
	rule := judge(in.Call, r, source)
	d.detail.Code, d.detail.Type, d.detail.Template = r.Code, r.Type, r.Template
	d.detail.Message = r.Content
	d.detail.Contradiction = contradicts(in.Call, r)
	d.Message = r.Content
	d.move(rule.then)
	d.Skipping = skipping(d.Skipping, in.Call, rule.then, r.Success)
	d.use(rule.then, out, in)
	switch rule.then {
	case ApplicationAccepted, SourceCollected:
		d.detail = Detail{}
		d.move(PasswordRequested)
		d.ask(PasswordRequested, PromptPassword)
	default:
		ask := rule.ask
		if in.Call == CallResend && d.Ask.resendable() && ask == PromptCaptcha {
			ask = d.Ask // a second code that is sent again is still the second
		}
		d.ask(rule.then, ask)
	}
	if rule.soon {
		d.ResendAt = d.now
	}
}

// skipping tells whether the source has perhaps been left out already, after
// what upstream answered.
func skipping(before bool, call Call, event Event, success bool) bool {
	if event != OutcomeUnknown && event != ReplyUnrecognized {
		return false
	}
	return before || call == CallSkip && success
}

// use takes over what a reply brings beside its meaning.
func (d *decision) use(event Event, out *outcome, in *intent) {
	switch event {
	case ApplicationAccepted, SourceUnsupported:
		d.Token, d.At = out.receipt, out.source
	case SourceCollected:
		d.At = *out.reply.Next
		d.Resets = 0
		d.restart()
	case PasswordReset:
		d.restart()
	}
	if in.Call != CallApply {
		d.Cursor = out.reply.Cursor
	}
	if d.Token != "" {
		d.Idle = d.now.Add(d.limits.IdleLife)
	}
}

// restart gives the person all attempts anew: another source, another password.
func (d *decision) restart() {
	d.Attempts, d.Resends, d.PasswordStep = nil, 0, 0
}

// ask sets what the person is asked after an event, unless that ended it.
func (d *decision) ask(event Event, ask PromptKind) {
	if d.State.Terminal() {
		return
	}
	d.Ask = event.asks(ask, d.Ask)
	switch event {
	case CaptchaRequested, OwnSMSRequested, CaptchaReissued, ResetCaptchaRequested:
		d.Code = d.now.Add(d.limits.CodeLife)
		d.ResendAt = d.now.Add(d.limits.ResendAfter)
	case OutcomeUnknown, CaptchaExpired:
		d.ResendAt = d.now
	}
	switch {
	case !d.Ask.code():
		d.Code, d.ResendAt = time.Time{}, time.Time{}
	case !d.now.Before(d.Code):
		d.Code = d.now.Add(d.limits.CodeLife)
	}
	if d.Ask.code() && d.ResendAt.IsZero() {
		d.ResendAt = d.now // no code was sent that we know of
	}
}

// bound ends a verification that has no attempts or steps left.
func (d *decision) bound() {
	if d.State.Terminal() {
		return
	}
	spent := d.Attempts.of(d.Ask) >= d.limits.attempts(d.Ask)
	if d.Reason != PasswordRejected && d.refuseReset(d.limits) == nil {
		spent = false // no more passwords, but one may be reset
	}
	if spent || d.Step >= maxSteps-2 {
		d.clock(AttemptsExhausted)
	}
}

// end sets what follows from the rest.
func (d *decision) end() {
	if d.State.Terminal() {
		if d.Reason == CollectionStarted && d.limits.reports {
			d.Watch = &watch{Until: d.now.Add(d.limits.ReportLife)}
		}
		d.Due, d.Key, d.Ask = time.Time{}, "", ""
		d.Since, d.Code, d.ResendAt, d.Idle, d.Life = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
		d.Intent, d.Attempts = nil, nil
		if d.Watch != nil {
			d.Due = d.now.Add(d.limits.ReportMin)
		}
	} else {
		d.Due = d.deadline()
	}
}
