package carrierfsm

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// decision is the next version of a verification while it is being decided,
// with the transitions that led to it.
type decision struct {
	snapshot
	transitions []Transition
	spends      []budget.Spend
	kept        []budget.Kind // what the settled intent spent and did not get back

	since  time.Time // when the state was entered that the decision began with
	now    time.Time
	limits Limits
	detail Detail // of the next transition
	by     string // the operator who ends the verification
	err    error

	before chain // of the snapshot that the decision began with, once linked
	linked bool  // the transitions were added to the chain
}

// outcome is how a call ended: with a reply, or with a fault.
type outcome struct {
	fault  Fault
	reply  Reply  // without secrets and numbers in its words
	text   string // the reply's Content, redacted
	token  string // of an accepted application
	source Source // of an accepted application
}

// begin begins a decision with a copy of s.
func (d *decision) begin(s *snapshot, now time.Time, l Limits) {
	*d = decision{snapshot: *s, since: s.Since, now: now, limits: l}
	d.touch(now)
}

// move makes one transition. looplab decides where it leads.
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
		ID: d.ID, Step: d.Step, From: d.State, Event: event, To: to, At: d.now, Reference: d.Reference, Detail: detail,
	})
	if to != d.State {
		d.Since = d.now
	}
	if to == Failed && d.State != Failed {
		d.Ended = &ended{Prompt: d.Ask, After: d.Reason, By: detail.By}
	}
	d.State, d.Reason = to, event
}

// dwell returns how long a verification had been in the state that a transition of its
// decision leaves or keeps; negative where that is not known. since is when the state
// was entered; it becomes that of the next transition.
func dwell(t *Transition, since *time.Time) time.Duration {
	stayed := time.Duration(-1)
	if !since.IsZero() {
		stayed = max(0, t.At.Sub(*since)) // the clocks of replicas differ
	}
	if t.From != t.To {
		*since = t.At
	}
	return stayed
}

// moveByItself makes a transition that no reply of upstream caused.
func (d *decision) moveByItself(event Event) {
	d.detail = Detail{Input: d.detail.Input, By: d.by}
	d.move(event)
}

// applyFault decides a call that returned no reply.
func (d *decision) applyFault(f Fault, in *intent) {
	event := faultEvents[f]
	d.move(event)
	d.Message = ""
	d.Skipping = d.Skipping || in.Call == CallSkip && f == FaultUnknown
	switch {
	case f == FaultNotSent:
		d.giveBack(in)
	case in.Call != CallApply: // upstream may have used the token, until the deadline at the latest
		d.Idle = earliest(d.now, in.Deadline).Add(d.limits.IdleLife)
	}
	d.returnSpent(in, event)
	d.ask(event, d.Ask)
}

// giveBack takes back what an intent counted, because it was certainly not sent.
func (d *decision) giveBack(in *intent) {
	d.Attempts = d.Attempts.plus(-1, in.Counted...)
	switch in.Input {
	case InputResendCaptcha:
		d.Resends--
	case InputRequestReset:
		d.Resets--
	}
}

// applyReply decides a reply of upstream.
func (d *decision) applyReply(out *outcome, in *intent) {
	r, source := out.reply, d.At
	if r.Next != nil && r.Next.Website == "" {
		r.Next = nil
	}
	switch {
	case in.Call == CallApply:
		source = out.source
	case d.Resets >= d.limits.Resets:
		source.ResetMethod = ResetNone // no reset is left
	}
	rule := match(in.Call, r, source)
	d.detail.Code, d.detail.Type, d.detail.Template = r.Code, r.Type, r.Template
	d.detail.Message = out.text
	d.detail.Contradiction = contradicts(in.Call, r)
	d.Message = out.text
	if rule.event == ApplicationAccepted || rule.event == SourceCollected {
		d.transitions = make([]Transition, 0, 2)
	}
	d.move(rule.event)
	d.Skipping = mayBeSkipping(d.Skipping, in.Call, rule.event, r.Success)
	d.returnSpent(in, rule.event)
	d.take(rule.event, out, in)
	switch rule.event {
	case ApplicationAccepted, SourceCollected:
		d.detail = Detail{}
		d.move(PasswordRequested)
		d.ask(PasswordRequested, PromptPassword)
	default:
		ask := rule.ask
		if in.Call == CallResend && d.Ask.resendable() && ask == PromptCaptcha {
			ask = d.Ask // a second code that is sent again is still the second
		}
		d.ask(rule.event, ask)
	}
	if rule.soon {
		d.ResendAt = d.now
	}
}

// mayBeSkipping reports whether upstream may have skipped the source after a
// reply: only a reply that is understood says that it has not.
func mayBeSkipping(before bool, call Call, event Event, success bool) bool {
	if event != OutcomeUnknown && event != ReplyUnrecognized {
		return false
	}
	return before || call == CallSkip && success
}

// take puts into the record what a reply brings beside its event: the token, the source,
// the cursor, and what starts again.
func (d *decision) take(event Event, out *outcome, in *intent) {
	switch event {
	case ApplicationAccepted, SourceUnsupported:
		d.Token, d.At = out.token, out.source
		d.transitions[len(d.transitions)-1].Detail.Source = out.source.Website
	case PasswordRejected:
		d.Proved = false
	case SourceCollected:
		d.leaveSource(in.Call)
		d.At = *out.reply.Next
		d.Resets = 0
		d.resetAttempts()
	case PasswordReset:
		d.resetAttempts()
	}
	d.Proved = d.Proved || event.proves(in.Call)
	if in.Call != CallApply {
		d.Cursor = out.reply.Cursor
	}
	if d.Token != "" {
		d.Idle = d.now.Add(d.limits.IdleLife)
	}
}

// leaveSource notes that the present source is done, or was skipped.
func (d *decision) leaveSource(call Call) {
	var all sources
	if d.Sources != nil {
		all = *d.Sources
	}
	if call == CallSkip {
		all.Wanted = max(0, all.Wanted-1)
	} else {
		all.Collected = append(slices.Clip(all.Collected), cmp.Or(d.At.Name, d.At.Website))
	}
	d.Sources = &all
}

// resetAttempts gives the person all attempts again: for another source, or
// after a reset of the password.
func (d *decision) resetAttempts() {
	d.Attempts, d.Resends, d.PasswordStep = nil, 0, 0
}

// ask sets the prompt after an event, unless the event ended the verification.
func (d *decision) ask(event Event, ask PromptKind) {
	if d.State.Terminal() {
		return
	}
	d.Ask = event.promptAfter(ask, d.Ask)
	switch event {
	case CaptchaRequested, OwnSMSRequested, CaptchaReissued, ResetCaptchaRequested:
		d.Code = d.now.Add(d.limits.CodeLife)
		d.ResendAt = d.now.Add(d.limits.ResendAfter)
	case OutcomeUnknown, CaptchaExpired:
		d.ResendAt = d.now
	}
	switch {
	case !d.Ask.asksForCode():
		d.Code, d.ResendAt = time.Time{}, time.Time{}
	case !d.now.Before(d.Code):
		d.Code = d.now.Add(d.limits.CodeLife)
	}
	if d.Ask.asksForCode() && d.ResendAt.IsZero() {
		d.ResendAt = d.now // as far as is known, no code was sent
	}
}

// endIfExhausted ends a verification that has no attempts or steps left.
func (d *decision) endIfExhausted() {
	if d.State.Terminal() {
		return
	}
	exhausted := d.Attempts.of(d.Ask) >= d.limits.attempts(d.Ask)
	if d.Reason != PasswordRejected && d.refuseReset(d.limits) == nil {
		exhausted = false // no password is left, but it can be reset
	}
	if exhausted || d.Step >= maxSteps-2 {
		d.moveByItself(AttemptsExhausted)
		if !exhausted && d.Ended != nil {
			d.Ended.Prompt = ""
		}
	}
}

// finish sets what follows from the rest: the due time, and after the end that
// nothing is asked or kept that is not needed any more.
func (d *decision) finish() {
	if !d.State.Terminal() {
		d.Due = d.deadline()
		return
	}
	if d.Reason == CollectionStarted && d.limits.reports {
		d.Watch = &watch{Until: d.now.Add(d.limits.ReportLife)}
	}
	d.Due, d.Key, d.Ask = time.Time{}, "", ""
	d.Since, d.Code, d.ResendAt, d.Idle, d.Life = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	d.Intent, d.Attempts = nil, nil
	if d.Watch != nil {
		d.Due = d.now.Add(d.limits.ReportMin)
	}
}

// spend adds to a decision that opened an intent what the intent spends. An
// application takes the place of its number.
func (d *decision) spend(kind InputKind, sendsPassword bool, l Limits) {
	key := l.budgets.keyOf(d.Account)
	if key == "" {
		return
	}
	if kind == InputApply {
		d.Key = key
	}
	d.Intent.Accepted = sendsPassword && d.Proved && kind != InputPassword && d.PasswordStep != d.Step
	d.spends = l.budgets.spends(key, d.Intent.At, chargesOf(kind, sendsPassword))
	for _, s := range d.spends {
		d.Intent.Spent = append(d.Intent.Spent, s.Kind)
	}
}

// returnSpent gives back what an intent spent and the event shows not to have been
// spent. A password that was accepted before is wrong only where the reply says so.
func (d *decision) returnSpent(in *intent, event Event) {
	key := d.limits.budgets.keyOf(d.Account)
	if key == "" {
		return
	}
	for _, k := range in.Spent {
		accepted := k == budget.Passwords && in.Accepted && event != PasswordRejected
		if event == UpstreamUnavailable || accepted || givenBack[k][event] || d.resetWithoutText(k, event) {
			d.spends = append(d.spends, budget.Spend{Key: key, Kind: k, At: in.At, N: -1, Window: budget.Day})
		} else {
			d.kept = append(d.kept, k)
		}
	}
	if in.Accepted && event == PasswordRejected && !slices.Contains(in.Spent, budget.Passwords) {
		// It was given back when the call was given up, and counts after all, whatever the limit.
		d.spends = append(d.spends, budget.Spend{Key: key, Kind: budget.Passwords, At: in.At, N: 1, Window: budget.Day, Limit: math.MaxInt32})
	}
}

// resetWithoutText reports whether the event is a reset after which no text follows:
// the person chose the new password.
func (d *decision) resetWithoutText(k budget.Kind, event Event) bool {
	return k == budget.Texts && event == PasswordReset && d.At.ResetMethod == ResetWithNewPassword
}
