package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/typed"
)

// Kinds returns the kinds of input that Decode reads, which are all.
func Kinds() []carrierfsm.InputKind {
	return []carrierfsm.InputKind{
		carrierfsm.InputApply, carrierfsm.InputPassword, carrierfsm.InputQueryPassword, carrierfsm.InputCaptcha,
		carrierfsm.InputResendCaptcha, carrierfsm.InputRequestReset, carrierfsm.InputResetCaptcha,
		carrierfsm.InputSkipSource, carrierfsm.InputCancel,
	}
}

// Decode reads an input of a kind from a request's body, JSON or a form; openapi.json
// has the members of each kind. Only JSON has contacts and sources. A body of more than
// 64 KB, a member that is unknown or there twice, and text that is not UTF-8 are
// refused. Codes, phone numbers and ID card numbers are read as package typed does;
// passwords are sent as they are.
//
// A form's member "consent" has to be consent.Policy, and "sensitive_consent" too where
// there are Documents: else the error is carrierfsm.ErrConsentRequired. Other errors are carrierfsm.ErrInvalid, which
// may match an error of package typed too, or a *Problem; none contains any of the
// body. The secrets of the input are the caller's, to submit or to destroy.
func Decode(r *http.Request, kind carrierfsm.InputKind, consent Consent) (carrierfsm.Input, error) {
	b, err := readBody(r)
	if err != nil {
		return nil, err
	}
	defer b.wipe()
	return b.input(kind, kind != carrierfsm.InputCancel, consent)
}

// input takes an input. The step of a form that creates a verification may be absent.
func (b *body) input(kind carrierfsm.InputKind, needsStep bool, consent Consent) (carrierfsm.Input, error) {
	if !slices.Contains(Kinds(), kind) {
		return nil, &Problem{Status: http.StatusNotFound, Code: codeNoEndpoint}
	}
	d := decoder{body: b}
	d.step = d.takeStep(kind, needsStep)
	in := d.input(kind, consent)
	if err := errors.Join(d.err, b.empty()); err != nil {
		for _, s := range d.secrets {
			s.Destroy()
		}
		return nil, err
	}
	return in, nil
}

// decoder takes members, and keeps the first error.
type decoder struct {
	*body
	step    int
	secrets []carrierfsm.Secret
	err     error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) takeStep(kind carrierfsm.InputKind, required bool) int {
	if kind == carrierfsm.InputCancel {
		return 0
	}
	step, err := d.body.step(required)
	d.fail(err)
	return step
}

func (d *decoder) secret(name string) carrierfsm.Secret {
	m, found := d.take(name)
	if found && m.text == nil {
		d.fail(malformed("has a member that is no text"))
	}
	return d.keep(m.text)
}

func (d *decoder) text(name string) string {
	s, err := d.body.text(name)
	d.fail(err)
	return s
}

// read takes a text that a person may have typed in several ways.
func (d *decoder) read(name string, read func([]byte) ([]byte, error)) carrierfsm.Secret {
	m, found := d.take(name)
	if found && m.text == nil {
		d.fail(malformed("has a member that is no text"))
		return carrierfsm.Secret{}
	}
	meant, err := read(m.text)
	if err != nil {
		d.fail(fmt.Errorf("%w: %w", carrierfsm.ErrInvalid, err))
		return carrierfsm.Secret{}
	}
	d.decoded = append(d.decoded, meant)
	return d.keep(meant)
}

// keep wraps a value in a secret, which is destroyed if the input is refused.
func (d *decoder) keep(value []byte) carrierfsm.Secret {
	s := carrierfsm.NewSecret(value)
	d.secrets = append(d.secrets, s)
	return s
}

func (d *decoder) input(kind carrierfsm.InputKind, consent Consent) carrierfsm.Input {
	switch kind {
	case carrierfsm.InputApply:
		return d.apply(consent)
	case carrierfsm.InputPassword:
		return carrierfsm.Password{Step: d.step, Password: d.secret("password")}
	case carrierfsm.InputQueryPassword:
		return carrierfsm.QueryPassword{Step: d.step, Password: d.secret("password")}
	case carrierfsm.InputCaptcha:
		return carrierfsm.Captcha{Step: d.step, Code: d.read("code", typed.Code[[]byte]), Password: d.secret("password")}
	case carrierfsm.InputResendCaptcha:
		return carrierfsm.ResendCaptcha{Step: d.step}
	case carrierfsm.InputRequestReset:
		return carrierfsm.RequestReset{Step: d.step}
	case carrierfsm.InputResetCaptcha:
		return carrierfsm.ResetCaptcha{Step: d.step, Code: d.read("code", typed.Code[[]byte]), NewPassword: d.secret("new_password")}
	case carrierfsm.InputSkipSource:
		return carrierfsm.SkipSource{Step: d.step}
	default:
		return carrierfsm.Cancel{}
	}
}

func (d *decoder) apply(consent Consent) carrierfsm.Input {
	in := carrierfsm.Apply{Step: d.step, Form: carrierfsm.Form{
		Name: d.secret("name"), IDCard: d.secret("id_card"), Phone: d.read("phone", typed.Phone[[]byte]),
		HomeAddress: d.secret("home_address"), HomePhone: d.secret("home_phone"),
		WorkAddress: d.secret("work_address"), WorkPhone: d.secret("work_phone"),
	}}
	d.fail(d.list("contacts", func(b *body) error {
		c := decoder{body: b}
		in.Form.Contacts = append(in.Form.Contacts, carrierfsm.Contact{
			Name: c.secret("name"), Phone: c.secret("phone"), Relation: c.text("relation"),
		})
		d.secrets = append(d.secrets, c.secrets...)
		return c.err
	}))
	d.fail(d.list("sources", func(b *body) error {
		c := decoder{body: b}
		in.Form.Sources = append(in.Form.Sources, carrierfsm.SourceChoice{Name: c.text("name"), Category: c.text("category")})
		return c.err
	}))
	if in.Form.Name.Empty() || in.Form.IDCard.Empty() {
		d.fail(malformed("lacks a name or an ID card number"))
	}
	agreed, separately := d.text("consent"), d.text("sensitive_consent")
	if consent.Policy != "" && agreed == consent.Policy && (separately == agreed || !consent.isSeparate()) {
		in.Consent = carrierfsm.Consent{Policy: agreed, At: time.Now(), Channel: consent.Channel}
	} else {
		d.fail(carrierfsm.ErrConsentRequired)
	}
	return in
}
