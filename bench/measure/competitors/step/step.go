// Package step is shared by the durable-execution frameworks: the step that calls
// upstream, and signals in memory that tell a driver that a step is durable. The
// signals save the frameworks the cost of their own notifications.
package step

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Input is one submission, which a framework stores, including the secret.
type Input struct {
	Kind   carrierfsm.InputKind `json:"kind"`
	Secret string               `json:"secret,omitempty"`
	Form   *Form                `json:"form,omitempty"`
}

// Form is the person's form in clear text: the engine's own form is encoded as
// redacted, so a framework could not store it.
type Form struct{ Name, IDCard, Phone string }

// Inputs returns the three submissions of a plain verification.
func Inputs() []Input {
	f := workload.Form()
	form := Form{workload.Reveal(f.Name), workload.Reveal(f.IDCard), workload.Reveal(f.Phone)}
	return []Input{
		{Kind: carrierfsm.InputApply, Form: &form},
		{Kind: carrierfsm.InputPassword, Secret: workload.Password},
		{Kind: carrierfsm.InputCaptcha, Secret: workload.Code},
	}
}

// Result is the result of a step, which a framework stores: its events, and the
// values that the next step needs.
type Result struct {
	Events  []carrierfsm.Event `json:"events"`
	Token   string             `json:"token,omitempty"`
	Website string             `json:"website,omitempty"`
	Message string             `json:"message,omitempty"`
}

// Transitions are the events of a plain verification.
var Transitions = []carrierfsm.Event{
	carrierfsm.ApplicationAccepted, carrierfsm.PasswordRequested, carrierfsm.CaptchaRequested, carrierfsm.CollectionStarted,
}

// Call calls upstream once.
func Call(ctx context.Context, before Result, in Input) (Result, error) {
	if in.Kind == carrierfsm.InputApply {
		form := carrierfsm.Form{
			Name:   carrierfsm.NewSecret(in.Form.Name),
			IDCard: carrierfsm.NewSecret(in.Form.IDCard),
			Phone:  carrierfsm.NewSecret(in.Form.Phone),
		}
		receipt, err := workload.Upstream{}.Apply(ctx, carrierfsm.Application{Form: form})
		if err != nil || !receipt.Accepted {
			return Result{}, errors.Join(errors.New("step: the form was refused"), err)
		}
		return Result{
			Events: Transitions[:2], Token: workload.Reveal(receipt.Token), Website: receipt.Source.Website,
			Message: workload.Reveal(receipt.Message),
		}, nil
	}
	reply, err := workload.Upstream{}.Collect(ctx, carrierfsm.Request{
		Input: in.Kind, Token: carrierfsm.NewSecret(before.Token), Website: before.Website,
		Account: carrierfsm.NewSecret(workload.Phone), Captcha: carrierfsm.NewSecret(in.Secret),
	})
	if err != nil {
		return Result{}, err
	}
	before.Message = workload.Reveal(reply.Content)
	switch reply.Code {
	case "10002":
		before.Events = Transitions[2:3]
	case "10008":
		before.Events = Transitions[3:]
	default:
		return Result{}, fmt.Errorf("step: unexpected code %s", reply.Code)
	}
	return before, nil
}

// CountTransitions counts the events of a plain verification in stored Results.
func CountTransitions(text string) (n int) {
	for _, e := range Transitions {
		n += strings.Count(text, string(e))
	}
	return n
}
