package carrierfsm

import (
	"cmp"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// PromptKind is what a person is asked for.
type PromptKind string

// The kinds of prompt.
const (
	PromptApplication   PromptKind = "application"    // the form
	PromptPassword      PromptKind = "password"       // the operator's service password
	PromptQueryPassword PromptKind = "query_password" // the second password that some operators have
	PromptCaptcha       PromptKind = "captcha"        // a code that was sent to the phone
	PromptSecondCaptcha PromptKind = "second_captcha" // another code, after the first was right
	PromptOwnSMS        PromptKind = "own_sms"        // a code that comes after the person texts CXXD to 10001
	PromptResetCaptcha  PromptKind = "reset_captcha"  // a code for the password reset
)

// promptSince is the table version that introduced each kind of prompt.
var promptSince = map[PromptKind]int{
	PromptApplication: 1, PromptPassword: 1, PromptQueryPassword: 1, PromptCaptcha: 1,
	PromptSecondCaptcha: 1, PromptOwnSMS: 1, PromptResetCaptcha: 1,
}

// PromptKinds returns all kinds of prompt.
func PromptKinds() []PromptKind {
	return []PromptKind{
		PromptApplication, PromptPassword, PromptQueryPassword,
		PromptCaptcha, PromptSecondCaptcha, PromptOwnSMS, PromptResetCaptcha,
	}
}

// Prompt is what the person is asked now. A user interface can be written from
// prompts alone.
type Prompt struct {
	// Kind is what is asked for.
	Kind PromptKind
	// Step names the prompt. The input that answers it has the same Step.
	Step int
	// Reason is the event that led here: captcha_rejected after a wrong code,
	// outcome_unknown where it is not known what became of the last answer. It
	// is empty for the first prompt.
	Reason Event
	// Message is upstream's own text, without secrets and numbers. It may be empty.
	Message string
	// Deadline is when the prompt ends.
	Deadline time.Time
	// AttemptsLeft is how many more answers of this kind may be given. It is 0
	// while the last one is under way, and where the password has to be reset. It is no
	// more than the number's budget has left, as far as that was read: see Limited.
	AttemptsLeft int
	// Resend is when another code can be asked for; nil means not at all.
	Resend *Resend
	// Reset reports, at a prompt for the password, that RequestReset is possible.
	Reset bool
	// Skip reports that SkipSource is possible.
	Skip bool
	// NeedsNewPassword reports, at a prompt for the code of a reset, that the
	// person chooses a new password, which is submitted with the code.
	NeedsNewPassword bool
	// Limited is set where the number's budget for the answer is used up for today:
	// an answer is refused until Limited.Until. The budgets are read by Get, and by Submit
	// after an answer that was not accepted or that a budget refused. Then Resend and
	// Reset are what the budgets allow too.
	Limited *budget.ExceededError
	// Carry is the sealed password. The host or the person's client keeps it and
	// submits it with the code. It is empty unless a Sealer is configured, and
	// set only by the submission whose password the next one needs.
	Carry Secret
}

// Resend says when another code can be asked for, and how often.
type Resend struct {
	// At is the earliest time. Before it the error is ErrTooSoon.
	At time.Time
	// Left is how many resends are left, at least 1.
	Left int
}

// InputKind names what a host submits.
type InputKind string

// The kinds of input.
const (
	InputApply         InputKind = "apply"
	InputPassword      InputKind = "password"
	InputQueryPassword InputKind = "query_password"
	InputCaptcha       InputKind = "captcha"
	InputResendCaptcha InputKind = "resend_captcha"
	InputCancel        InputKind = "cancel"
	InputRequestReset  InputKind = "request_reset"
	InputResetCaptcha  InputKind = "reset_captcha"
	InputSkipSource    InputKind = "skip_source"
)

// answeredBy is the input that answers each kind of prompt.
var answeredBy = map[PromptKind]InputKind{
	PromptApplication:   InputApply,
	PromptPassword:      InputPassword,
	PromptQueryPassword: InputQueryPassword,
	PromptCaptcha:       InputCaptcha,
	PromptSecondCaptcha: InputCaptcha,
	PromptOwnSMS:        InputCaptcha,
	PromptResetCaptcha:  InputResetCaptcha,
}

// asksForCode reports whether a code is asked for.
func (k PromptKind) asksForCode() bool {
	switch k {
	case PromptCaptcha, PromptSecondCaptcha, PromptOwnSMS, PromptResetCaptcha:
		return true
	default:
		return false
	}
}

// resendable reports whether upstream can be asked for another code. The code
// of PromptOwnSMS comes only when the person texts the operator.
func (k PromptKind) resendable() bool {
	return k == PromptCaptcha || k == PromptSecondCaptcha || k == PromptResetCaptcha
}

// needsPassword reports whether the answer to this prompt, or to one that can
// follow it, is sent with the service password.
func (k PromptKind) needsPassword() bool {
	return k.asksForCode() && k != PromptResetCaptcha || k == PromptQueryPassword
}

// promptAfter is the kind of prompt that an event leads to. ask is the kind
// that the reply rule named, if any, and present that of the present prompt.
func (e Event) promptAfter(ask, present PromptKind) PromptKind {
	switch e {
	case PasswordRequested, PasswordRejected, ResetRequired, PasswordReset:
		return PromptPassword
	case QueryPasswordRequested, QueryPasswordRejected:
		return PromptQueryPassword
	case OwnSMSRequested:
		return PromptOwnSMS
	case ResetCaptchaRequested, NewPasswordRejected:
		return PromptResetCaptcha
	case CaptchaRequested, CaptchaRejected, CaptchaReissued:
		return cmp.Or(ask, e.sameCode(present))
	default:
		return present
	}
}

// sameCode is the kind of code that is asked for again: that of the present
// prompt, or a plain code if the prompt is for none. After PromptOwnSMS, a code
// that upstream sends by itself is a plain one too: the person need not text.
func (e Event) sameCode(present PromptKind) PromptKind {
	if !present.asksForCode() || present == PromptOwnSMS && e != CaptchaRejected {
		return PromptCaptcha
	}
	return present
}
