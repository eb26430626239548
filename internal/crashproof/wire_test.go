package crashproof_test

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// What people and replicas exchange: JSON over a unix socket.

// The operations.
const (
	opCreate = "create"
	opGet    = "get"
	opSubmit = "submit"
)

// request is one request of a person.
type request struct {
	Op          string
	ID          string
	Key         string `json:",omitempty"` // of the number, where the store has shards
	Begins      bool   `json:",omitempty"` // the form creates the verification
	Input       string `json:",omitempty"` // an InputKind
	Step        int    `json:",omitempty"`
	Secret      string `json:",omitempty"` // of the Input: a password, a query password or a code
	Password    string `json:",omitempty"` // with a code
	NewPassword string `json:",omitempty"` // with the code of a reset
	Carry       string `json:",omitempty"`
	Phone       string `json:",omitempty"`
	Address     string `json:",omitempty"` // of the form; it has the tag
}

// response is the response of a replica.
type response struct {
	Result string // the sentinel; empty: success
	View   *view  `json:",omitempty"`
}

// view is what a person sees of a verification.
type view struct {
	Step             int
	State            carrierfsm.State
	Reason           carrierfsm.Event
	InFlight         bool
	Kind             carrierfsm.PromptKind
	Deadline         time.Time
	ResendAt         time.Time // zero: not at all
	Reset            bool      // the password can be reset
	NeedsNewPassword bool      // the code needs a new password
	Carry            string    `json:",omitempty"`
}

func viewOf(v carrierfsm.Verification) *view {
	if v.State == "" {
		return nil
	}
	out := &view{Step: v.Step, State: v.State, Reason: v.Reason, InFlight: v.InFlight}
	if p := v.Prompt; p != nil {
		out.Kind, out.Deadline, out.Carry = p.Kind, p.Deadline, fsmtest.Reveal(p.Carry)
		out.Reset, out.NeedsNewPassword = p.Reset, p.NeedsNewPassword
		if p.Resend != nil {
			out.ResendAt = p.Resend.At
		}
	}
	return out
}

// The results that do not mean "refused".
const (
	resultOK             = ""
	resultPending        = "pending"
	resultStale          = "stale"
	resultExists         = "exists"
	resultPasswordNeeded = "password needed"
	resultTooMany        = "too many"
	resultStore          = "store"
	resultLost           = "lost" // there was no response
)

// resultNames are the results of errors, in the order in which they are tried:
// ErrPending wraps others.
var resultNames = []struct {
	err  error
	word string
}{
	{carrierfsm.ErrPending, resultPending},
	{carrierfsm.ErrStale, resultStale},
	{carrierfsm.ErrExists, resultExists},
	{carrierfsm.ErrPasswordNeeded, resultPasswordNeeded},
	{carrierfsm.ErrInFlight, "in flight"},
	{carrierfsm.ErrNotAwaited, "not awaited"},
	{carrierfsm.ErrTooMany, resultTooMany},
	{carrierfsm.ErrTooSoon, "too soon"},
	{carrierfsm.ErrNotFound, "not found"},
	{carrierfsm.ErrConflict, "conflict"},
	{carrierfsm.ErrInvalid, "invalid"},
	{carrierfsm.ErrStore, resultStore},
	{context.Canceled, resultStore},
}

func resultOf(err error) string {
	if err == nil {
		return resultOK
	}
	for _, w := range resultNames {
		if errors.Is(err, w.err) {
			return w.word
		}
	}
	return "other: " + err.Error()
}

// input is the input of a request.
func (a request) input() carrierfsm.Input {
	switch carrierfsm.InputKind(a.Input) {
	case carrierfsm.InputApply:
		return carrierfsm.Apply{
			Step:    a.Step,
			Form:    carrierfsm.Form{Name: carrierfsm.NewSecret(personName), IDCard: carrierfsm.NewSecret(personIDCard), Phone: carrierfsm.NewSecret(a.Phone), HomeAddress: carrierfsm.NewSecret(a.Address)},
			Consent: carrierfsm.Consent{Policy: "test-1", At: time.Now(), Channel: "test"},
		}
	case carrierfsm.InputPassword:
		return carrierfsm.Password{Step: a.Step, Password: carrierfsm.NewSecret(a.Secret)}
	case carrierfsm.InputQueryPassword:
		return carrierfsm.QueryPassword{Step: a.Step, Password: carrierfsm.NewSecret(a.Secret), Carry: carrierfsm.NewSecret(a.Carry)}
	case carrierfsm.InputCaptcha:
		return carrierfsm.Captcha{
			Step: a.Step, Code: carrierfsm.NewSecret(a.Secret), Carry: carrierfsm.NewSecret(a.Carry),
			Password: carrierfsm.NewSecret(a.Password),
		}
	case carrierfsm.InputResendCaptcha:
		return carrierfsm.ResendCaptcha{Step: a.Step}
	case carrierfsm.InputRequestReset:
		return carrierfsm.RequestReset{Step: a.Step}
	case carrierfsm.InputResetCaptcha:
		return carrierfsm.ResetCaptcha{Step: a.Step, Code: carrierfsm.NewSecret(a.Secret), NewPassword: carrierfsm.NewSecret(a.NewPassword)}
	case carrierfsm.InputSkipSource:
		return carrierfsm.SkipSource{Step: a.Step}
	default:
		return carrierfsm.Cancel{}
	}
}

// The name and the ID card of every person.
const (
	personName   = "测试用户"
	personIDCard = "999999180001010016"
)
