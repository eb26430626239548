package carrierfsm

import (
	"fmt"
	"log/slog"
	"time"
	"unicode"
	"unicode/utf8"
)

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

// Input is what a host submits: one of Apply, Password, QueryPassword,
// Captcha, ResendCaptcha, RequestReset, ResetCaptcha, SkipSource, Cancel. All
// but Cancel answer a prompt and name its Step, so that a second click can't answer the prompt after.
//
// Submit takes over the secrets of an input and destroys them.
type Input interface {
	// Kind names the input.
	Kind() InputKind
	// check tells whether the input could be right in any state.
	check() error
	// parts are what the input carries.
	parts() parts
}

// parts are what an input can carry, each empty where it does not.
type parts struct {
	step     int // of the prompt that is answered
	form     Form
	consent  Consent
	password Secret
	query    Secret
	captcha  Secret
	chosen   Secret // a new password
	carry    string
}

// secrets are those to destroy.
func (p parts) secrets() [4]Secret { return [...]Secret{p.password, p.query, p.captcha, p.chosen} }

// Apply hands in the person's form, with the consent it was given under.
type Apply struct {
	// Step is that of the prompt: 0 the first time.
	Step int
	// Form is sent upstream and not stored, but for the phone number.
	Form Form
	// Consent is required and stored.
	Consent Consent
}

// Password answers a prompt for the operator's service password. It also
// answers one for the code of a reset, and leaves the reset.
type Password struct {
	// Step is that of the prompt.
	Step int
	// Password is used once, and held in memory while its codes are awaited.
	Password Secret
}

// QueryPassword answers a prompt for the second password that some operators have.
type QueryPassword struct {
	// Step is that of the prompt.
	Step int
	// Password is the query password.
	Password Secret
	// Carry is as in Captcha.
	Carry string
}

// Captcha answers a prompt for a code that the operator sent to the phone.
type Captcha struct {
	// Step is that of the prompt.
	Step int
	// Code is used once.
	Code Secret
	// Carry is Prompt.Carry as an earlier answer returned it. It is needed only
	// where another process than the present one holds the password. Empty means none.
	Carry string
	// Password is the service password typed once more, for when ErrPasswordNeeded
	// was returned. It counts as one more attempt at the password: with none
	// left it is ErrTooMany, and only Cancel remains. Empty means none.
	Password Secret
}

// ResendCaptcha asks for the code to be sent once more, where Prompt.Resend
// says that it can be.
type ResendCaptcha struct {
	// Step is that of the prompt.
	Step int
}

// Cancel ends the verification. While a submission is under way it returns
// ErrPending and takes effect when that one is settled, unless it ended by itself.
type Cancel struct{}

// Form is what upstream wants to know of the person. It is personal data: it
// prints redacted, and only the phone number is stored.
type Form struct {
	// Name, IDCard (the number) and Phone (11 digits) are required.
	Name, IDCard, Phone string
	// HomeAddress, HomePhone, WorkAddress and WorkPhone may be empty.
	HomeAddress, HomePhone, WorkAddress, WorkPhone string
	// Contacts may be empty; at most 20.
	Contacts []Contact
	// Sources are data sources to go through beside the operator's own, for
	// upstreams that let one choose: see juxinli.Config.ApplicationsV3. Each has
	// its prompts, one source after the other, and all are asked for this Phone's
	// account. May be empty; at most 10.
	Sources []SourceChoice
}

// SourceChoice names a data source that is wanted.
type SourceChoice struct {
	// Name is upstream's name of it: what Source.Website is.
	Name string
	// Category is upstream's category. Empty means "mobile".
	Category string
}

// Contact is a person whom the applicant named.
type Contact struct {
	// Name and Phone are required.
	Name, Phone string
	// Relation is upstream's contact_type. Empty means "1".
	Relation string
}

// Consent records what the person agreed to. It is stored and must not hold
// personal data.
type Consent struct {
	// Policy is the version of the text that was agreed to.
	Policy string `json:"policy"`
	// At is when.
	At time.Time `json:"at"`
	// Channel is how: "app", "web", "branch" …
	Channel string `json:"channel"`
}

func (c *Consent) fields(f *fields) {
	f.string("policy", &c.Policy, keep)
	f.time("at", &c.At, keep)
	f.string("channel", &c.Channel, keep)
	f.end()
}

// complete tells whether all three parts are there.
func (c Consent) complete() bool { return c.Policy != "" && c.Channel != "" && !c.At.IsZero() }

// Bounds of what a person may type. Longer values are not theirs.
const (
	maxSecret   = 128
	maxField    = 512
	maxContacts = 20
	maxSources  = 10
	maxCarry    = 4096
)

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

// Kind returns InputCancel.
func (Cancel) Kind() InputKind { return InputCancel }

func (in Apply) parts() parts {
	return parts{step: in.Step, form: in.Form, consent: in.Consent}
}
func (in Password) parts() parts { return parts{step: in.Step, password: in.Password} }
func (in QueryPassword) parts() parts {
	return parts{step: in.Step, query: in.Password, carry: in.Carry}
}

func (in Captcha) parts() parts {
	return parts{step: in.Step, captcha: in.Code, password: in.Password, carry: in.Carry}
}
func (in ResendCaptcha) parts() parts { return parts{step: in.Step} }
func (Cancel) parts() parts           { return parts{} }

func (in Apply) check() error {
	if in.Step < 0 {
		return invalid("a negative step")
	}
	if !in.Consent.complete() {
		return ErrConsentRequired
	}
	if err := checkFields(in.Consent.Policy, in.Consent.Channel); err != nil {
		return err
	}
	return in.Form.check()
}

func (in Password) check() error {
	return firstError(checkStep(in.Step), checkSecret("password", in.Password))
}

func (in QueryPassword) check() error {
	return firstError(checkStep(in.Step), checkSecret("query password", in.Password), checkCarry(in.Carry))
}

func (in Captcha) check() error {
	err := firstError(checkStep(in.Step), checkSecret("code", in.Code), checkCarry(in.Carry))
	if err != nil || in.Password.Empty() {
		return err
	}
	return checkSecret("password", in.Password)
}

func (in ResendCaptcha) check() error { return checkStep(in.Step) }
func (Cancel) check() error           { return nil }

func (f Form) check() error {
	if f.Name == "" || f.IDCard == "" {
		return invalid("the form lacks a name or an ID card number")
	}
	if !phoneNumber(f.Phone) {
		return invalid("the phone number is not one of 11 digits")
	}
	if len(f.Contacts) > maxContacts {
		return invalid("too many contacts")
	}
	for _, c := range f.Contacts {
		if c.Name == "" || c.Phone == "" {
			return invalid("a contact lacks a name or a phone number")
		}
		if err := checkFields(c.Relation); err != nil {
			return err
		}
	}
	if len(f.Sources) > maxSources {
		return invalid("too many data sources")
	}
	for _, s := range f.Sources {
		if s.Name == "" {
			return invalid("a data source lacks its name")
		}
		if err := checkFields(s.Name, s.Category); err != nil {
			return err
		}
	}
	return checkFields(f.personal()...)
}

// personal returns every value of the form that must not come back in a text.
func (f Form) personal() []string {
	values := []string{f.Name, f.IDCard, f.Phone, f.HomeAddress, f.HomePhone, f.WorkAddress, f.WorkPhone}
	return append(values, f.named()...)
}

// named are the contacts' names and phone numbers.
func (f Form) named() []string {
	values := make([]string, 0, 2*len(f.Contacts))
	for _, c := range f.Contacts {
		values = append(values, c.Name, c.Phone)
	}
	return values
}

// Format prints nothing of the form.
func (Form) Format(f fmt.State, _ rune) { printRedacted(f, "Form") }

// Format prints nothing of the contact.
func (Contact) Format(f fmt.State, _ rune) { printRedacted(f, "Contact") }

// LogValue is what slog shows.
func (Form) LogValue() slog.Value { return slog.StringValue(redacted) }

// LogValue is what slog shows.
func (Contact) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText is what JSON and XML show.
func (Form) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalText is what JSON and XML show.
func (Contact) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkStep(step int) error {
	if step <= 0 {
		return invalid("the input names no step")
	}
	return nil
}

func checkSecret(what string, s Secret) (err error) {
	s.Use(func(value []byte) {
		switch {
		case len(value) == 0:
			err = invalid("the " + what + " is empty")
		case len(value) > maxSecret:
			err = invalid("the " + what + " is too long")
		case !printable(string(value)):
			err = invalid("the " + what + " has characters that nobody types")
		}
	})
	return err
}

func checkCarry(carry string) error {
	if len(carry) > maxCarry {
		return invalid("the carry is too long")
	}
	return nil
}

func checkFields(values ...string) error {
	for _, v := range values {
		if len(v) > maxField {
			return invalid("a field is too long")
		}
		if !printable(v) {
			return invalid("a field has characters that nobody types")
		}
	}
	return nil
}

// phoneNumber tells whether s is a mobile number of eleven digits.
func phoneNumber(s string) bool { return len(s) == 11 && s[0] == '1' && digits(s) }

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// printable tells whether s is valid UTF-8 without control characters.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
