package httpapi

import (
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// Verification is a carrierfsm.Verification for the person whose it is. It has neither
// the token nor the carry, nor the host's reference. Times are RFC 3339 in UTC; the
// seconds beside them are for clients with a wrong clock.
type Verification struct {
	// ID is empty before there is a verification.
	ID    string           `json:"id,omitempty"`
	State carrierfsm.State `json:"state"`
	Step  int              `json:"step"`
	// Tag changes with what is shown: the step, and whether an answer is under way.
	Tag string `json:"tag"`
	// Prompt is absent after the end.
	Prompt    *Prompt `json:"prompt,omitempty"`
	InFlight  bool    `json:"in_flight"`
	Canceling bool    `json:"canceling"`
	// Reason is the latest event, empty before the first.
	Reason  carrierfsm.Event `json:"reason,omitempty"`
	Message string           `json:"message,omitempty"`
	// Source is absent before there is one.
	Source *Source `json:"source,omitempty"`
	// Collected are the names of the sources before it that are done, and Sources is how
	// many there are as far as is known.
	Collected []string `json:"collected,omitempty"`
	Sources   int      `json:"sources,omitempty"`
	// End is present where it failed.
	End *End `json:"end,omitempty"`
	// Account is the masked number.
	Account   string    `json:"account,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	// Deadline is absent after the end.
	Deadline  time.Time `json:"deadline,omitzero"`
	Remaining int       `json:"remaining_seconds"`
	// Screen is the same in words; View leaves it nil.
	Screen *Screen `json:"screen,omitempty"`
}

// Prompt is a carrierfsm.Prompt.
type Prompt struct {
	Kind carrierfsm.PromptKind `json:"kind"`
	Step int                   `json:"step"`
	// Input is the kind of input that answers it; empty for a kind that is newer than
	// this build.
	Input            carrierfsm.InputKind `json:"input,omitempty"`
	Reason           carrierfsm.Event     `json:"reason,omitempty"`
	Message          string               `json:"message,omitempty"`
	Deadline         time.Time            `json:"deadline,omitzero"`
	Remaining        int                  `json:"remaining_seconds"`
	AttemptsLeft     int                  `json:"attempts_left"`
	Resend           *Resend              `json:"resend,omitempty"`
	Reset            bool                 `json:"reset"`
	Skip             bool                 `json:"skip"`
	NeedsNewPassword bool                 `json:"needs_new_password"`
	// Limited is present where the number's budget allows no answer today.
	Limited *Limited `json:"limited,omitempty"`
}

// End is a carrierfsm.End, without the name of the operator.
type End struct {
	Prompt     carrierfsm.PromptKind `json:"prompt,omitempty"`
	After      carrierfsm.Event      `json:"after,omitempty"`
	ByOperator bool                  `json:"by_operator"`
	Replaced   bool                  `json:"replaced"`
	// Limited is present where another verification of the number gets no further today.
	Limited *Limited `json:"limited,omitempty"`
}

// Limited is a budget that is used up.
type Limited struct {
	Kind budget.Kind `json:"kind"`
	// Until is absent where the host allows none at all.
	Until     time.Time `json:"until,omitzero"`
	Remaining int       `json:"remaining_seconds"`
}

// Resend is a carrierfsm.Resend.
type Resend struct {
	At        time.Time `json:"at"`
	Remaining int       `json:"remaining_seconds"`
	Left      int       `json:"left"`
}

// Source names the operator, or another source of data.
type Source struct {
	Website string `json:"website"`
	Name    string `json:"name"`
}

// inputs is the input that answers each kind of prompt.
var inputs = map[carrierfsm.PromptKind]carrierfsm.InputKind{
	carrierfsm.PromptApplication:   carrierfsm.InputApply,
	carrierfsm.PromptPassword:      carrierfsm.InputPassword,
	carrierfsm.PromptQueryPassword: carrierfsm.InputQueryPassword,
	carrierfsm.PromptCaptcha:       carrierfsm.InputCaptcha,
	carrierfsm.PromptSecondCaptcha: carrierfsm.InputCaptcha,
	carrierfsm.PromptOwnSMS:        carrierfsm.InputCaptcha,
	carrierfsm.PromptResetCaptcha:  carrierfsm.InputResetCaptcha,
}

// View returns a verification for JSON, as of now.
func View(v *carrierfsm.Verification, now time.Time) Verification {
	j := Verification{
		ID: v.ID, State: v.State, Step: v.Step, Tag: tag(v), InFlight: v.InFlight, Canceling: v.Canceling,
		Reason: v.Reason, Message: v.Message, Account: v.Account,
		Collected: v.Collected, Sources: v.Sources,
		CreatedAt: v.Created.UTC(), UpdatedAt: v.Updated.UTC(), Deadline: v.Deadline.UTC(),
	}
	if v.State == carrierfsm.Failed {
		j.End = &End{
			Prompt: v.End.Prompt, After: v.End.After, ByOperator: v.End.By != "", Replaced: v.End.Replaced,
			Limited: limited(v.End.Limited, now),
		}
	}
	if !v.Deadline.IsZero() {
		j.Remaining = secondsUntil(v.Deadline, now)
	}
	if v.Source != (carrierfsm.Source{}) {
		j.Source = &Source{Website: v.Source.Website, Name: v.Source.Name}
	}
	if p := v.Prompt; p != nil {
		j.Prompt = &Prompt{
			Kind: p.Kind, Step: p.Step, Input: inputs[p.Kind], Reason: p.Reason, Message: p.Message, Deadline: p.Deadline.UTC(),
			AttemptsLeft: p.AttemptsLeft, Reset: p.Reset, Skip: p.Skip, NeedsNewPassword: p.NeedsNewPassword,
			Limited: limited(p.Limited, now),
		}
		if !p.Deadline.IsZero() {
			j.Prompt.Remaining = secondsUntil(p.Deadline, now)
		}
		if p.Resend != nil {
			j.Prompt.Resend = &Resend{At: p.Resend.At.UTC(), Remaining: secondsUntil(p.Resend.At, now), Left: p.Resend.Left}
		}
	}
	return j
}

func limited(over *budget.ExceededError, now time.Time) *Limited {
	if over == nil {
		return nil
	}
	l := &Limited{Kind: over.Kind, Until: over.Until.UTC()}
	if !over.Until.IsZero() {
		l.Remaining = secondsUntil(over.Until, now)
	}
	return l
}

// unborn is the verification that a form will create.
func unborn() *carrierfsm.Verification {
	return &carrierfsm.Verification{State: carrierfsm.Created, Prompt: &carrierfsm.Prompt{Kind: carrierfsm.PromptApplication}}
}

// tag returns Verification.Tag.
func tag(v *carrierfsm.Verification) string {
	if v.ID == "" {
		return "new"
	}
	return fmt.Sprintf("%.8s.%d.%t.%t", v.ID, v.Step, v.InFlight, v.Canceling)
}
