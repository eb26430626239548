package carrierfsm

import "github.com/carrierfsm/carrierfsm/typed"

// Input is what a host submits: one of Apply, Password, QueryPassword,
// Captcha, ResendCaptcha, RequestReset, ResetCaptcha, SkipSource and Cancel.
// All but Cancel answer a prompt and name its Step, so that a second click
// can't answer the next prompt.
//
// Submit takes over the Secrets of an input and destroys them. It reads codes, phone
// numbers and ID card numbers as package typed does, so a host passes on what the
// person typed or pasted; passwords are sent as they are.
type Input interface {
	// Kind names the input.
	Kind() InputKind
	// fields returns what the input carries.
	fields() inputFields
	// check refuses an input that could not be right in any state. f are its fields
	// after fold.
	check(f *inputFields) error
}

// inputFields is what an input can carry; zero where it does not.
type inputFields struct {
	step          int // of the prompt that is answered
	form          Form
	consent       Consent
	password      Secret
	queryPassword Secret
	captcha       Secret
	newPassword   Secret
	carry         Secret
}

// destroy destroys all secrets.
func (f *inputFields) destroy() {
	for _, s := range [...]Secret{f.password, f.queryPassword, f.captcha, f.newPassword, f.carry} {
		s.Destroy()
	}
	f.form.destroy()
}

// fold replaces what the person typed by what is meant: "５００ ００１" by "500001". What
// can't be read stays as it was typed, and passwords always do.
func (f *inputFields) fold() {
	f.captcha = folded(f.captcha, typed.Code[[]byte])
	f.form.fold()
}

// Apply hands in the person's form, with the consent it was given under.
type Apply struct {
	// Step is that of the prompt: 0 the first time.
	Step int
	// Form is sent upstream and not stored, but for the phone number.
	Form Form
	// Consent is required and stored.
	Consent Consent
}

// Password answers a prompt for the operator's service password. At a prompt
// for the code of a reset it leaves the reset.
type Password struct {
	// Step is that of the prompt.
	Step int
	// Password is sent, and kept in memory while its codes are awaited.
	Password Secret
}

// QueryPassword answers a prompt for the second password that some operators have.
type QueryPassword struct {
	// Step is that of the prompt.
	Step int
	// Password is the query password.
	Password Secret
	// Carry is as in Captcha.
	Carry Secret
}

// Captcha answers a prompt for a code that the operator sent to the phone.
type Captcha struct {
	// Step is that of the prompt.
	Step int
	// Code is sent once. It may be pasted with the message around it.
	Code Secret
	// Carry is Prompt.Carry as an earlier call returned it. It is needed only
	// where another process has the password in memory. Empty means none.
	Carry Secret
	// Password is the service password typed again, after ErrPasswordNeeded. It
	// counts as another attempt at the password: where none is left the error
	// is ErrTooMany, and only Cancel remains. Empty means none.
	Password Secret
}

// ResendCaptcha asks for the code to be sent again, where Prompt.Resend allows it.
type ResendCaptcha struct {
	// Step is that of the prompt.
	Step int
}

// RequestReset begins a reset of the service password, at a prompt for the
// password where Prompt.Reset allows it. The operator sends a code, which
// PromptResetCaptcha asks for. Limits.Resets bounds how often.
type RequestReset struct {
	// Step is that of the prompt.
	Step int
}

// ResetCaptcha answers a prompt for the code of a password reset. After the
// reset the password is asked for again.
type ResetCaptcha struct {
	// Step is that of the prompt.
	Step int
	// Code is sent once.
	Code Secret
	// NewPassword is required where Prompt.NeedsNewPassword is true, and must be
	// empty elsewhere: there the operator texts a password of its own choice.
	// Operators want 6 to 8 digits.
	NewPassword Secret
}

// SkipSource skips the present data source, where Prompt.Skip allows it: at any
// prompt but that for the form. Upstream goes on to the next source, or ends;
// done then means that nothing of this source is collected.
//
// The request does not say which source is meant. So a skip that may have been
// received is refused with ErrTooMany the second time, since it might skip the
// next source; after any reply about this source it is possible again.
type SkipSource struct {
	// Step is that of the prompt.
	Step int
}

// Cancel ends the verification. While another submission is under way, Submit
// returns ErrPending for it, and it takes effect when that submission is settled, unless
// the verification has ended by then.
type Cancel struct{}

// Kind returns InputApply.
func (Apply) Kind() InputKind { return InputApply }

// Kind returns InputPassword.
func (Password) Kind() InputKind { return InputPassword }

// Kind returns InputQueryPassword.
func (QueryPassword) Kind() InputKind { return InputQueryPassword }

// Kind returns InputCaptcha.
func (Captcha) Kind() InputKind { return InputCaptcha }

// Kind returns InputResendCaptcha.
func (ResendCaptcha) Kind() InputKind { return InputResendCaptcha }

// Kind returns InputRequestReset.
func (RequestReset) Kind() InputKind { return InputRequestReset }

// Kind returns InputResetCaptcha.
func (ResetCaptcha) Kind() InputKind { return InputResetCaptcha }

// Kind returns InputSkipSource.
func (SkipSource) Kind() InputKind { return InputSkipSource }

// Kind returns InputCancel.
func (Cancel) Kind() InputKind { return InputCancel }

func (in Apply) fields() inputFields {
	return inputFields{step: in.Step, form: in.Form, consent: in.Consent}
}

func (in Password) fields() inputFields {
	return inputFields{step: in.Step, password: in.Password}
}

func (in QueryPassword) fields() inputFields {
	return inputFields{step: in.Step, queryPassword: in.Password, carry: in.Carry}
}

func (in Captcha) fields() inputFields {
	return inputFields{step: in.Step, captcha: in.Code, password: in.Password, carry: in.Carry}
}

func (in ResetCaptcha) fields() inputFields {
	return inputFields{step: in.Step, captcha: in.Code, newPassword: in.NewPassword}
}

func (in ResendCaptcha) fields() inputFields { return inputFields{step: in.Step} }
func (in RequestReset) fields() inputFields  { return inputFields{step: in.Step} }
func (in SkipSource) fields() inputFields    { return inputFields{step: in.Step} }
func (Cancel) fields() inputFields           { return inputFields{} }

func (Apply) check(f *inputFields) error {
	if f.step < 0 {
		return invalid("a negative step")
	}
	if !f.consent.complete() {
		return ErrConsentRequired
	}
	if at := f.consent.At; at.Before(firstTime) || !at.Before(lastTime) {
		return invalid("the consent's time is not one of these centuries")
	}
	if err := checkFields(f.consent.Policy, f.consent.Channel); err != nil {
		return err
	}
	return f.form.Check()
}

func (Password) check(f *inputFields) error {
	return firstError(checkStep(f.step), checkSecret("password", f.password))
}

func (QueryPassword) check(f *inputFields) error {
	return firstError(checkStep(f.step), checkSecret("query password", f.queryPassword), checkCarry(f.carry))
}

func (Captcha) check(f *inputFields) error {
	err := firstError(checkStep(f.step), checkCode(f.captcha), checkCarry(f.carry))
	if err != nil || f.password.Empty() {
		return err
	}
	return checkSecret("password", f.password)
}

func (ResetCaptcha) check(f *inputFields) error {
	err := firstError(checkStep(f.step), checkCode(f.captcha))
	if err != nil || f.newPassword.Empty() {
		return err
	}
	return checkSecret("new password", f.newPassword)
}

func (ResendCaptcha) check(f *inputFields) error { return checkStep(f.step) }
func (RequestReset) check(f *inputFields) error  { return checkStep(f.step) }
func (SkipSource) check(f *inputFields) error    { return checkStep(f.step) }
func (Cancel) check(*inputFields) error          { return nil }
