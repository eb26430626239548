// Package relay is what the durable-execution frameworks have in common here:
// the step that calls upstream, and how a driver learns in the process that a
// step is durable. The latter spares the frameworks what their own ways of
// telling the outside would cost.
package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Input is one submission as it is sent to a framework, which stores it, the
// secret too.
type Input struct {
	Kind   carrierfsm.InputKind `json:"kind"`
	Secret string               `json:"secret,omitempty"`
	Form   *Form                `json:"form,omitempty"`
}

// Form is the person's form in the clear: the engine's own prints redacted,
// so that no framework could store it.
type Form struct{ Name, IDCard, Phone string }

// Inputs are the three of a plain verification.
func Inputs() []Input {
	f := workload.Form()
	form := Form{f.Name, f.IDCard, f.Phone}
	return []Input{
		{Kind: carrierfsm.InputApply, Form: &form},
		{Kind: carrierfsm.InputPassword, Secret: workload.Password},
		{Kind: carrierfsm.InputCaptcha, Secret: workload.Code},
	}
}

// Answer is what a step results in, and what a framework stores of it: what
// happened, and what is needed to go on.
type Answer struct {
	Events  []carrierfsm.Event `json:"events"`
	Token   string             `json:"token,omitempty"`
	Website string             `json:"website,omitempty"`
	Message string             `json:"message,omitempty"`
}

// Transitions are the events of a plain verification.
var Transitions = []carrierfsm.Event{
	carrierfsm.ApplicationAccepted, carrierfsm.PasswordRequested, carrierfsm.CaptchaRequested, carrierfsm.CollectionStarted,
}

// Ask calls upstream once.
func Ask(ctx context.Context, before Answer, in Input) (Answer, error) {
	if in.Kind == carrierfsm.InputApply {
		form := carrierfsm.Form{Name: in.Form.Name, IDCard: in.Form.IDCard, Phone: in.Form.Phone}
		receipt, err := workload.Upstream{}.Apply(ctx, carrierfsm.Application{Form: form})
		if err != nil || !receipt.Accepted {
			return Answer{}, errors.Join(errors.New("relay: the form was refused"), err)
		}
		return Answer{Events: Transitions[:2], Token: receipt.Token, Website: receipt.Source.Website, Message: receipt.Message}, nil
	}
	reply, err := workload.Upstream{}.Collect(ctx, carrierfsm.Request{
		Input: in.Kind, Token: before.Token, Website: before.Website, Account: workload.Phone, Captcha: carrierfsm.NewSecret(in.Secret),
	})
	if err != nil {
		return Answer{}, err
	}
	before.Message = reply.Content
	switch reply.Code {
	case "10002":
		before.Events = Transitions[2:3]
	case "10008":
		before.Events = Transitions[3:]
	default:
		return Answer{}, fmt.Errorf("relay: code %s", reply.Code)
	}
	return before, nil
}

// CountTransitions counts the events of a plain verification in what a
// framework has stored of Answers.
func CountTransitions(text string) (n int) {
	for _, e := range Transitions {
		n += strings.Count(text, string(e))
	}
	return n
}
