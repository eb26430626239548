package carrierfsm

import (
	"encoding/json"
	"time"
)

// Verification is what a host may know of one person's run: no secret, no
// whole number. It is a copy; it belongs to the caller.
type Verification struct {
	// ID names it.
	ID string
	// State is where it stands, and Step how many transitions it has had.
	State State
	Step  int
	// Prompt is what to ask of the person now; nil once it has ended.
	Prompt *Prompt
	// InFlight tells that an answer to the prompt is under way. Let the person wait.
	InFlight bool
	// Canceling tells that a cancellation waits for the answer under way.
	Canceling bool
	// Reason is the latest event; once it has failed it tells why.
	Reason Event
	// Message is upstream's latest text, cleared of secrets and numbers.
	Message string
	// Source is the present data source; empty before there is one.
	Source Source
	// Account is the phone number, masked: "138****8000".
	Account string
	// Token names the application at upstream, for the data calls. It is only
	// set once the verification is done.
	Token Secret
	// Consent is what Apply recorded; nil before, and after Erase.
	Consent *Consent
	// Created and Updated are the times of the first and the latest change, and
	// Deadline is when it expires at the latest; zero once it has ended.
	Created, Updated, Deadline time.Time
}

// Summary is what List tells: the columns of a record, no more.
type Summary struct {
	ID               string
	State            State
	Step             int
	Source           string
	Reason           Event
	InFlight         bool
	Due              time.Time
	Created, Updated time.Time
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
	// Detail is what led to it; zero where it was erased.
	Detail Detail
}

// Detail is what led to a transition. It holds no secret and no number.
type Detail struct {
	// Input is what was submitted; empty for the clock.
	Input InputKind `json:"input,omitempty"`
	// By is the operator who brought it about; empty for the person, upstream
	// and the clock. See ByOperator.
	By string `json:"by,omitempty"`
	// Source is the website that it was about; empty before there is one.
	Source string `json:"source,omitempty"`
	// Fault is set where there was no reply.
	Fault Fault `json:"fault,omitempty"`
	// Code, Type, Template and Message are upstream's words.
	Code     ProcessCode `json:"code,omitempty"`
	Type     string      `json:"type,omitempty"`
	Template string      `json:"template,omitempty"`
	Message  string      `json:"message,omitempty"`
	// Contradiction tells that Template disagreed with Code and was ignored.
	Contradiction bool `json:"contradiction,omitempty"`
	// Late tells that the reply came after the answer had been given up.
	Late bool `json:"late,omitempty"`
	// Tables is the hash of the tables that decided.
	Tables string `json:"tables,omitempty"`
}

// fields are the members of a detail, as the tags of the struct say.
func (d *Detail) fields(f *fields) {
	f.word("input", (*string)(&d.Input), omit)
	f.string("by", &d.By, omit)
	f.string("source", &d.Source, omit)
	f.word("fault", (*string)(&d.Fault), omit)
	f.word("code", (*string)(&d.Code), omit)
	f.word("type", &d.Type, omit)
	f.word("template", &d.Template, omit)
	f.string("message", &d.Message, omit)
	f.flag("contradiction", &d.Contradiction)
	f.flag("late", &d.Late)
	f.string("tables", &d.Tables, omit)
	f.end()
}

// marshal appends what json.Marshal returns.
func (d *Detail) marshal(text []byte) ([]byte, error) {
	f := writing(text)
	if d.fields(&f); f.done() {
		return f.text, nil
	}
	return appendJSON(text, *d)
}

// unmarshal is json.Unmarshal into a zero Detail.
func (d *Detail) unmarshal(text []byte) error {
	f := reading(text)
	if d.fields(&f); f.done() {
		return nil
	}
	var anew Detail
	err := json.Unmarshal(text, &anew)
	*d = anew
	return err
}

// view is what the host may know of o.
func (o *opened) view(l Limits) Verification {
	v := Verification{
		ID: o.ID, State: o.State, Step: o.Step, Reason: o.Reason, Message: o.Message,
		Source: o.At, Account: maskNumber(o.Account), InFlight: o.Intent != nil,
		Created: o.Created, Updated: o.Updated,
	}
	if o.Consent != nil {
		consent := *o.Consent
		v.Consent = &consent
	}
	if o.State == Done {
		v.Token = NewSecret(o.Token)
	}
	if !o.State.Terminal() {
		v.Canceling = o.Intent != nil && o.Intent.Canceled
		v.Deadline = earliest(o.Idle, o.Life)
		v.Prompt = o.prompt(l)
	}
	return v
}

// prompt is what is asked of the person.
func (o *opened) prompt(l Limits) *Prompt {
	p := &Prompt{
		Kind: o.Ask, Step: o.Step, Reason: o.Reason, Message: o.Message,
		Deadline:     o.deadline(),
		AttemptsLeft: max(0, l.attempts(o.Ask)-o.Attempts.of(o.Ask)),
	}
	p.Reset = o.refuseReset(l) == nil
	p.Skip = o.refuseSkip() == nil
	p.NeedsNewPassword = o.Ask == PromptResetCaptcha && o.At.ResetMethod == ResetWithNewPassword
	if left := l.Resends - o.Resends; left > 0 && o.Ask.resendable() {
		p.Resend = &Resend{At: o.ResendAt, Left: left}
	}
	return p
}

func summary(r Record) Summary {
	return Summary{
		ID: r.ID, State: r.State, Step: r.Step, Source: r.Source, Reason: r.Reason,
		InFlight: r.InFlight, Due: r.Due, Created: r.Created, Updated: r.Updated,
	}
}

// deadline is until when the prompt can be answered.
func (o *opened) deadline() time.Time {
	if o.Ask.code() {
		return earliest(o.Code, o.Idle, o.Life)
	}
	return earliest(o.Idle, o.Life)
}

// earliest is the earliest of the times that are set; zero if none is.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}
