package carrierfsm

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/text"
)

// Verification is what a host may know of one person's run: no secret and no
// whole number. It is a copy and belongs to the caller.
type Verification struct {
	// ID names it.
	ID string
	// State is its state, and Step how many transitions it has had.
	State State
	Step  int
	// Prompt is what to ask the person now; nil after the end.
	Prompt *Prompt
	// InFlight reports that an answer to the prompt is under way: let the person wait.
	InFlight bool
	// Canceling reports that a cancellation waits for the answer under way.
	Canceling bool
	// Reason is the latest event. Of a verification that failed it says why.
	Reason Event
	// Message is upstream's latest text, without secrets and numbers.
	Message string
	// Source is the present data source; empty before there is one.
	Source Source
	// Collected are the names of the sources before it that are done, in their order.
	Collected []string
	// Sources is how many sources there are as far as is known: those that the form
	// chose, and at least Collected and Source. Those that were skipped do not count.
	// It is 0 before there is one.
	Sources int
	// End says how a verification that failed ended; zero otherwise, and after Erase.
	End End
	// Reference is what NewVerification.Reference was; empty after Erase.
	Reference string
	// Account is the masked phone number: "138****8000".
	Account string
	// Token names the application at upstream, for the data calls. It is set
	// only when the verification is done.
	Token Secret
	// Consent is what Apply recorded; nil before that, and after Erase.
	Consent *Consent
	// Mark names this very version of the stored record. A host that keeps the latest
	// one and passes it on with WithMark notices if an older copy is put back.
	Mark string
	// Created and Updated are the times of the first and the latest change.
	// Deadline is when it expires at the latest; zero after the end.
	Created, Updated, Deadline time.Time
}

// End is what Reason does not say of the end of a verification that failed.
type End struct {
	// Prompt is the kind of the last prompt. With AttemptsExhausted it is what no
	// attempts are left for; it is empty where the steps were used up.
	Prompt PromptKind
	// After is the event before Reason: with Expired after UpstreamUnavailable the last
	// answer could not be sent. It is empty where nothing had happened.
	After Event
	// By is the operator who ended it; empty for the person, upstream and deadlines. See
	// ByOperator.
	By string
	// Replaced reports that a newer verification of the same number took its place.
	Replaced bool
	// Limited is set where the number's budgets are used up for today: before
	// Limited.Until another verification of the number is refused its form or its password.
	// It is set by Get and by the submission that ended the verification.
	Limited *budget.ExceededError
}

// Transition is one row of history.
type Transition struct {
	// ID and Step name it.
	ID   string
	Step int
	// From, Event and To are the transition; From and To may be equal.
	From  State
	Event Event
	To    State
	// At is when it was decided.
	At time.Time
	// Reference is what NewVerification.Reference was; empty where it was erased,
	// and in the transition of Erase.
	Reference string
	// Detail is what led to it; zero where it was erased.
	Detail Detail
}

// Ended reports whether this transition ended the verification: true for exactly
// one transition of each verification that has ended. The report and Erase add
// transitions after that one, in the same state.
func (t Transition) Ended() bool { return t.To.Terminal() && !t.From.Terminal() }

// Detail is what led to a transition. It contains no secret and no number.
type Detail struct {
	// Input is what was submitted; empty where a deadline passed.
	Input InputKind `json:"input,omitempty"`
	// By is the operator who caused it; empty for the person, upstream and
	// deadlines. See ByOperator.
	By string `json:"by,omitempty"`
	// Source is the website that it is about; empty before there is one.
	Source string `json:"source,omitempty"`
	// Fault is set where there was no reply.
	Fault Fault `json:"fault,omitempty"`
	// Code, Type, Template and Message are upstream's words.
	Code     ProcessCode `json:"code,omitempty"`
	Type     string      `json:"type,omitempty"`
	Template string      `json:"template,omitempty"`
	Message  string      `json:"message,omitempty"`
	// Contradiction reports that Template contradicted Code and was ignored.
	Contradiction bool `json:"contradiction,omitempty"`
	// Late reports that the reply came after its call had been given up.
	Late bool `json:"late,omitempty"`
	// Tables is the hash of the tables that decided.
	Tables string `json:"tables,omitempty"`
}

// view returns what the host may know.
func (s *snapshot) view(l Limits) Verification {
	v := Verification{
		ID: s.ID, State: s.State, Step: s.Step, Reason: s.Reason, Message: s.Message, Reference: s.Reference,
		Source: s.At, Account: text.MaskNumber(s.Account), InFlight: s.Intent != nil,
		Created: s.Created, Updated: s.Updated, Mark: mark(&s.Record),
	}
	copies := new(struct { // one allocation
		consent Consent
		prompt  Prompt
	})
	if s.Consent != nil {
		copies.consent = *s.Consent
		v.Consent = &copies.consent
	}
	if s.At.Website != "" {
		v.Sources = 1
	}
	if all := s.Sources; all != nil {
		v.Collected, v.Sources = slices.Clone(all.Collected), max(all.Wanted, len(all.Collected)+v.Sources)
	}
	if s.State == Done {
		v.Token = NewSecret(s.Token)
	}
	if e := s.Ended; e != nil {
		v.End = End{Prompt: e.Prompt, After: e.After, By: e.By, Replaced: e.Replaced}
	}
	if !s.State.Terminal() {
		v.Canceling = s.Intent != nil && s.Intent.Canceled
		v.Deadline = earliest(s.Idle, s.Life)
		copies.prompt = s.prompt(l)
		v.Prompt = &copies.prompt
	}
	return v
}

// prompt returns the present prompt.
func (s *snapshot) prompt(l Limits) Prompt {
	p := Prompt{
		Kind: s.Ask, Step: s.Step, Reason: s.Reason, Message: s.Message,
		Deadline:     s.deadline(),
		AttemptsLeft: max(0, l.attempts(s.Ask)-s.Attempts.of(s.Ask)),
	}
	if kind, ok := wrongAnswers[s.Ask]; ok && l.budgets.numbers.Counted() { // limitTo knows what is left of it
		p.AttemptsLeft = min(p.AttemptsLeft, l.budgets.limits.Of(kind))
	}
	p.Reset = s.refuseReset(l) == nil
	p.Skip = s.refuseSkip() == nil
	p.NeedsNewPassword = s.Ask == PromptResetCaptcha && s.At.ResetMethod == ResetWithNewPassword
	if left := l.Resends - s.Resends; left > 0 && s.Ask.resendable() {
		p.Resend = &Resend{At: s.ResendAt, Left: left}
	}
	return p
}

// ledgerKey is the key under which the next input is counted.
func (s *snapshot) ledgerKey(l Limits) string {
	if s.Account == "" {
		return s.Number
	}
	return l.budgets.keyOf(s.Account)
}

// wrongAnswers is what a wrong answer to a kind of prompt spends of the number's budgets.
var wrongAnswers = map[PromptKind]budget.Kind{
	PromptApplication: budget.Applications, PromptPassword: budget.Passwords, PromptQueryPassword: budget.QueryPasswords,
}

// limitTo completes the prompt with what a ledger allows at a time.
func (p *Prompt) limitTo(ledger budget.Ledger, key string, now time.Time, l Limits) {
	if kind, ok := wrongAnswers[p.Kind]; ok {
		p.AttemptsLeft = min(p.AttemptsLeft, max(0, l.budgets.limits.Of(kind)-ledger.Count(kind, budget.Day, now)))
	}
	for _, kind := range [...]InputKind{answeredBy[p.Kind], InputResendCaptcha, InputRequestReset} {
		if e := l.budgets.over(ledger, key, now, kind); e != nil {
			p.limit(kind, e)
		}
	}
}

// limitTo sets Limited to what keeps another verification of the number the longest from
// the form or the password.
func (e *End) limitTo(ledger budget.Ledger, key string, now time.Time, l Limits) {
	for _, kind := range [...]InputKind{InputApply, InputPassword} {
		e.Limited = longer(e.Limited, l.budgets.over(ledger, key, now, kind))
	}
}

// limit completes the prompt with a budget that is used up for an input.
func (p *Prompt) limit(kind InputKind, e *budget.ExceededError) {
	switch kind {
	case answeredBy[p.Kind]:
		p.Limited = e
		p.AttemptsLeft = 0
	case InputResendCaptcha:
		switch {
		case p.Resend == nil:
		case e.Until.IsZero():
			p.Resend = nil
		case e.Until.After(p.Resend.At):
			p.Resend.At = e.Until
		}
	case InputRequestReset:
		p.Reset = false
	}
}

type markKey struct{}

// WithMark gives the latest Verification.Mark that the host has of a verification to
// Get, Read and Submit of that one: they return ErrForged if an older version of the
// record is stored. A Sealer alone does not notice an older record that is put back
// whole, with its history. A mark need not be secret; keep it
// elsewhere than in the store. A mark that is itself too old refuses nothing, and so does
// an empty one; a text that is no mark is refused with ErrInvalid.
func WithMark(ctx context.Context, mark string) context.Context {
	return context.WithValue(ctx, markKey{}, mark)
}

// mark is the version and half of the commit id.
func mark(r *Record) string {
	var b [40]byte
	return string(hex.AppendEncode(append(strconv.AppendInt(b[:0], r.Version, 10), '.'), r.CommitID[:8]))
}

// checkMark checks a record against the mark of the context.
func checkMark(ctx context.Context, r *Record) error {
	latest, ok := ctx.Value(markKey{}).(string)
	if !ok || latest == "" {
		return nil
	}
	digits, _, _ := strings.Cut(latest, ".")
	version, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case err != nil:
		return invalid("the mark is not one of Verification.Mark")
	case r.Version < version:
		return forged("version %d is stored, the host has seen %d", r.Version, version)
	case r.Version == version && mark(r) != latest:
		return forged("another version %d is stored than the host has seen", version)
	}
	return nil
}
