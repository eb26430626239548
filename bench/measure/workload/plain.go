package workload

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Form returns the invented person's form.
func Form() carrierfsm.Form {
	return carrierfsm.Form{
		Name:   carrierfsm.NewSecret("测试用户"),
		IDCard: carrierfsm.NewSecret("11010119900307889X"),
		Phone:  carrierfsm.NewSecret(Phone),
	}
}

// Reveal returns the value of a secret, for a subject that stores it in clear text.
func Reveal(s carrierfsm.Secret) (value string) {
	s.Use(func(b []byte) { value = string(b) })
	return value
}

// Consent returns an invented consent.
func Consent() carrierfsm.Consent {
	return carrierfsm.Consent{Policy: "bench-1", At: time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC), Channel: "bench"}
}

// SubmitForm returns the input with the form.
func SubmitForm(int) carrierfsm.Input { return carrierfsm.Apply{Form: Form(), Consent: Consent()} }

// SubmitPassword returns the input with the password for the prompt of a step.
func SubmitPassword(step int) carrierfsm.Input {
	return carrierfsm.Password{Step: step, Password: carrierfsm.NewSecret(Password)}
}

// SubmitCode returns the input with the code for the prompt of a step.
func SubmitCode(step int) carrierfsm.Input {
	return carrierfsm.Captcha{Step: step, Code: carrierfsm.NewSecret(Code)}
}

// Submissions has all three submissions in order.
var Submissions = [...]func(step int) carrierfsm.Input{SubmitForm, SubmitPassword, SubmitCode}

// Run runs one verification, from its creation to done, and calls
// lap after the creation and each submission.
type Run func(ctx context.Context, m *carrierfsm.Machine, lap func()) error

// Plain creates the verification together with the submission of its form.
func Plain(ctx context.Context, m *carrierfsm.Machine, lap func()) error {
	return begin(ctx, m, carrierfsm.NewVerification{}, Form(), lap)
}

// PlainWith is Plain for a verification with an id of the caller's, without laps.
func PlainWith(ctx context.Context, m *carrierfsm.Machine, id string) error {
	return PlainOf(ctx, m, id, func() {})
}

// PlainOf is Plain for a verification with an id of the caller's.
func PlainOf(ctx context.Context, m *carrierfsm.Machine, id string, lap func()) error {
	return begin(ctx, m, carrierfsm.NewVerification{ID: id}, Form(), lap)
}

// OtherNumbers returns Plain with another phone number for each verification.
func OtherNumbers() Run {
	var last atomic.Int64
	return func(ctx context.Context, m *carrierfsm.Machine, lap func()) error {
		form := Form()
		form.Phone = carrierfsm.NewSecret(fmt.Sprintf("138%08d", last.Add(1)))
		return begin(ctx, m, carrierfsm.NewVerification{}, form, lap)
	}
}

func begin(ctx context.Context, m *carrierfsm.Machine, n carrierfsm.NewVerification, form carrierfsm.Form, lap func()) error {
	lap() // there is no creation of its own
	v, err := m.Begin(ctx, n, carrierfsm.Apply{Form: form, Consent: Consent()})
	if err != nil {
		return err
	}
	lap()
	return finish(ctx, m, v, Submissions[1:], lap)
}

// CreatedFirst creates the verification by itself, and then submits its form. The record
// is loaded before each submission, as by a replica that does not keep its snapshot.
func CreatedFirst(ctx context.Context, m *carrierfsm.Machine, lap func()) error {
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	if err != nil {
		return err
	}
	lap()
	last := len(Submissions) - 1
	if v, err = submit(ctx, m, v, Submissions[:last], lap); err != nil {
		return err
	}
	if v, err = m.Get(ctx, v.ID); err != nil { // the only submission that would load nothing
		return err
	}
	return finish(ctx, m, v, Submissions[last:], lap)
}

func submit(ctx context.Context, m *carrierfsm.Machine, v carrierfsm.Verification, list []func(int) carrierfsm.Input, lap func()) (_ carrierfsm.Verification, err error) {
	for _, submission := range list {
		if v, err = m.Submit(ctx, v.ID, submission(v.Step)); err != nil {
			return v, err
		}
		lap()
	}
	return v, nil
}

// finish makes the last submissions.
func finish(ctx context.Context, m *carrierfsm.Machine, v carrierfsm.Verification, left []func(int) carrierfsm.Input, lap func()) error {
	v, err := submit(ctx, m, v, left, lap)
	if err == nil && v.State != carrierfsm.Done {
		err = fmt.Errorf("a verification ended in %s", v.State)
	}
	return err
}
