package crashproof_test

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// What people and replicas say to each other: JSON over a unix socket.

// The operations.
const (
	opCreate = "create"
	opGet    = "get"
	opSubmit = "submit"
)

// ask is one request of a person.
type ask struct {
	Op       string
	ID       string
	Input    string `json:",omitempty"` // an InputKind
	Step     int    `json:",omitempty"`
	Secret   string `json:",omitempty"` // what Input means: a password, a query password or a code
	Password string `json:",omitempty"` // beside a code
	Chosen   string `json:",omitempty"` // a new password, beside the code of a reset
	Carry    string `json:",omitempty"`
	Phone    string `json:",omitempty"`
	Address  string `json:",omitempty"` // of the form; it carries the tag
}

// told is a replica's answer.
type told struct {
	Word string // which sentinel; empty for success
	View *view  `json:",omitempty"`
}

// view is what a person sees of a verification.
type view struct {
	Step     int
	State    carrierfsm.State
	Reason   carrierfsm.Event
	InFlight bool
	Kind     carrierfsm.PromptKind
	Deadline time.Time
	ResendAt time.Time // zero: not at all
	Reset    bool      // the password can be reset
	Choose   bool      // a new password goes with the code
	Carry    string    `json:",omitempty"`
}

func viewOf(v carrierfsm.Verification) *view {
	if v.State == "" {
		return nil
	}
	out := &view{Step: v.Step, State: v.State, Reason: v.Reason, InFlight: v.InFlight}
	if p := v.Prompt; p != nil {
		out.Kind, out.Deadline, out.Carry = p.Kind, p.Deadline, p.Carry
		out.Reset, out.Choose = p.Reset, p.NeedsNewPassword
		if p.Resend != nil {
			out.ResendAt = p.Resend.At
		}
	}
	return out
}

// The words for errors that mean more than "refused".
const (
	wordOK      = ""
	wordPending = "pending"
	wordStale   = "stale"
	wordExists  = "exists"
	wordPhrase  = "password needed"
	wordStore   = "store"
	wordLost    = "lost" // no answer came: the person's own word
)

// words are tried in this order: ErrPending wraps others.
var words = []struct {
	err  error
	word string
}{
	{carrierfsm.ErrPending, wordPending},
	{carrierfsm.ErrStale, wordStale},
	{carrierfsm.ErrExists, wordExists},
	{carrierfsm.ErrPasswordNeeded, wordPhrase},
	{carrierfsm.ErrInFlight, "in flight"},
	{carrierfsm.ErrNotAwaited, "not awaited"},
	{carrierfsm.ErrTooMany, "too many"},
	{carrierfsm.ErrTooSoon, "too soon"},
	{carrierfsm.ErrNotFound, "not found"},
	{carrierfsm.ErrConflict, "conflict"},
	{carrierfsm.ErrInvalid, "invalid"},
	{carrierfsm.ErrStore, wordStore},
	{context.Canceled, wordStore},
}

func wordOf(err error) string {
	if err == nil {
		return wordOK
	}
	for _, w := range words {
		if errors.Is(err, w.err) {
			return w.word
		}
	}
	return "other: " + err.Error()
}

// input is what a request asks the machine to take.
func (a ask) input() carrierfsm.Input {
	switch carrierfsm.InputKind(a.Input) {
	case carrierfsm.InputApply:
		return carrierfsm.Apply{
			Step:    a.Step,
			Form:    carrierfsm.Form{Name: somebody, IDCard: somebodysCard, Phone: a.Phone, HomeAddress: a.Address},
			Consent: carrierfsm.Consent{Policy: "test-1", At: time.Now(), Channel: "test"},
		}
	case carrierfsm.InputPassword:
		return carrierfsm.Password{Step: a.Step, Password: carrierfsm.NewSecret(a.Secret)}
	case carrierfsm.InputQueryPassword:
		return carrierfsm.QueryPassword{Step: a.Step, Password: carrierfsm.NewSecret(a.Secret), Carry: a.Carry}
	case carrierfsm.InputCaptcha:
		return carrierfsm.Captcha{
			Step: a.Step, Code: carrierfsm.NewSecret(a.Secret), Carry: a.Carry,
			Password: carrierfsm.NewSecret(a.Password),
		}
	case carrierfsm.InputResendCaptcha:
		return carrierfsm.ResendCaptcha{Step: a.Step}
	case carrierfsm.InputRequestReset:
		return carrierfsm.RequestReset{Step: a.Step}
	case carrierfsm.InputResetCaptcha:
		return carrierfsm.ResetCaptcha{Step: a.Step, Code: carrierfsm.NewSecret(a.Secret), NewPassword: carrierfsm.NewSecret(a.Chosen)}
	case carrierfsm.InputSkipSource:
		return carrierfsm.SkipSource{Step: a.Step}
	default:
		return carrierfsm.Cancel{}
	}
}

// Nobody's name and card.
const (
	somebody      = "测试用户"
	somebodysCard = "999999180001010018"
)
