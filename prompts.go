package carrierfsm

import (
	"cmp"
	"time"
)

// PromptKind is what a person is asked for.
type PromptKind string

// The kinds of prompt.
const (
	PromptApplication   PromptKind = "application"    // the form
	PromptPassword      PromptKind = "password"       // the operator's service password
	PromptQueryPassword PromptKind = "query_password" // the second password that some operators have
	PromptCaptcha       PromptKind = "captcha"        // a code that was sent to the phone
	PromptSecondCaptcha PromptKind = "second_captcha" // a further code, after the first was right
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

// Prompt is what is asked of the person now. A user interface can be written
// from prompts alone.
type Prompt struct {
	// Kind is what is asked for.
	Kind PromptKind
	// Step names the prompt: the input that answers it carries the same.
	Step int
	// Reason is the event that led here: captcha_rejected for a code that was
	// wrong, outcome_unknown for an answer that we could not confirm. It is
	// empty for the very first prompt.
	Reason Event
	// Message is upstream's own text, cleared of secrets and numbers. It may be empty.
	Message string
	// Deadline is until when an answer makes sense.
	Deadline time.Time
	// AttemptsLeft is how many answers of this kind may still be given. 0 only
	// while the last one is under way, or where the password has to be reset.
	AttemptsLeft int
	// Resend tells when another code can be asked for; nil means not at all.
	Resend *Resend
	// Reset tells, at a prompt for the password, that RequestReset is possible.
	Reset bool
	// Skip tells that SkipSource is possible: the source can be left out.
	Skip bool
	// NeedsNewPassword tells, at a prompt for the code of a reset, that the
	// person chooses a new password, which goes with the code.
	NeedsNewPassword bool
	// Carry is the sealed password, for the host or the person's client to
	// keep and hand back with the code. It is empty unless a Sealer is
	// configured and this is the answer to the submission that needs it later.
	Carry string
}

// Resend tells when another code can be asked for, and how often.
type Resend struct {
	// At is the earliest time; before it ErrTooSoon is returned.
	At time.Time
	// Left is how many resends are left, at least 1.
	Left int
}

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

// code tells whether a code is asked for.
func (k PromptKind) code() bool {
	switch k {
	case PromptCaptcha, PromptSecondCaptcha, PromptOwnSMS, PromptResetCaptcha:
		return true
	default:
		return false
	}
}

// resendable tells whether upstream can be asked for another code. One that
// the person's own message brings can't be.
func (k PromptKind) resendable() bool {
	return k == PromptCaptcha || k == PromptSecondCaptcha || k == PromptResetCaptcha
}

// needsPassword tells whether the service password is still wanted once this
// kind has been answered: codes travel with it, and a query password may be
// followed by a code.
func (k PromptKind) needsPassword() bool {
	return k.code() && k != PromptResetCaptcha || k == PromptQueryPassword
}

// asks is the kind of prompt that an event leads to. ask is what the reply
// rule said, now the kind that stands.
func (e Event) asks(ask, now PromptKind) PromptKind {
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
		return cmp.Or(ask, e.sameCode(now))
	default:
		return now
	}
}

// sameCode is the kind of code that is asked for again: the one that was
// asked for, if one was. A code that upstream sent again by itself needs no
// message of the person's.
func (e Event) sameCode(now PromptKind) PromptKind {
	if !now.code() || now == PromptOwnSMS && e != CaptchaRejected {
		return PromptCaptcha
	}
	return now
}
