package httpapi

import (
	"strconv"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Form is what the person fills in; Input is the input that it submits, and the names
// of its fields are the members of that input's body.
type Form struct {
	Input  carrierfsm.InputKind `json:"input"`
	Fields []Field              `json:"fields"`
	Submit string               `json:"submit"`
	// Missing is the text at an empty field.
	Missing string `json:"missing"`
	// Keep means that what was entered before was not submitted: it may stay.
	Keep bool `json:"keep,omitempty"`
}

// Field is a field of a form. Mode and Complete are the attributes by which phones
// choose the keyboard and fill in codes. The length of a value must not be limited: a
// part of a number is another number.
type Field struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Hint     string `json:"hint,omitempty"`
	Type     string `json:"type"` // "text", "tel", "password", "checkbox"
	Mode     string `json:"mode,omitempty"`
	Complete string `json:"complete"`
	Paste    bool   `json:"paste,omitempty"`   // a whole message may be pasted
	Value    string `json:"value,omitempty"`   // of a checkbox
	Show     string `json:"show,omitempty"`    // label of the checkbox that shows a password
	Wrong    bool   `json:"wrong,omitempty"`   // the value of this field was rejected
	Missing  string `json:"missing,omitempty"` // in place of Form.Missing
}

// form returns the form for a prompt; nil if there is nothing to enter.
func (w *Words) form(p *carrierfsm.Prompt, consent Consent) *Form {
	input, known := inputs[p.Kind]
	if !known || resetRequired(p) { // a kind of a newer build has no input here
		return nil
	}
	f := &Form{
		Input: input, Submit: w.question(p).submit, Missing: w.fields.missing,
		Keep: p.Reason == carrierfsm.UpstreamUnavailable,
	}
	left := ""
	if p.AttemptsLeft > 0 {
		left = strings.ReplaceAll(w.fields.attempts, "{n}", strconv.Itoa(p.AttemptsLeft))
	}
	switch input {
	case carrierfsm.InputApply:
		f.Fields = w.application(consent)
	case carrierfsm.InputPassword:
		f.Fields = []Field{w.secret("password", w.fields.password, left)}
	case carrierfsm.InputQueryPassword:
		f.Fields = []Field{w.secret("password", w.fields.queryPassword, left)}
	case carrierfsm.InputCaptcha, carrierfsm.InputResetCaptcha:
		f.Fields = []Field{w.code(left)}
	}
	if p.NeedsNewPassword {
		f.Fields = append(f.Fields, w.secret("new_password", w.fields.newPassword, w.fields.newPasswordHint))
	}
	f.markField(p.Reason)
	return f
}

// markField marks the field that was rejected: the first one, unless the reason is
// about another.
func (f *Form) markField(reason carrierfsm.Event) {
	about := 0
	for i, field := range f.Fields {
		if reason == carrierfsm.NewPasswordRejected && field.Name == "new_password" {
			about = i
		}
	}
	f.Fields[about].Wrong = isMistake(reason)
}

// application returns the three required fields, and the consent: one tick, or two.
func (w *Words) application(consent Consent) []Field {
	list := []Field{
		{Name: "name", Label: w.fields.name, Type: "text", Complete: "name"},
		{Name: "id_card", Label: w.fields.idCard, Type: "text", Complete: "off"},
		{Name: "phone", Label: w.fields.phone, Type: "tel", Mode: "numeric", Complete: "tel-national"},
		{Name: "consent", Label: w.fields.consent, Type: "checkbox", Value: consent.Policy, Complete: "off", Missing: w.fields.notAgreed},
	}
	if consent.isSeparate() {
		list = append(list, Field{
			Name: "sensitive_consent", Label: consent.Documents[w.lang].Sensitive, Type: "checkbox", Value: consent.Policy,
			Complete: "off", Missing: w.fields.notAgreedSensitive,
		})
	}
	return list
}

// code returns a field into which phones offer to fill the code from an SMS.
func (w *Words) code(hint string) Field {
	return Field{
		Name: "code", Label: w.fields.code, Hint: hint, Type: "text", Mode: "numeric",
		Complete: "one-time-code", Paste: true,
	}
}

// secret returns a password field. It is not a password of this site, so browsers
// are asked not to store it.
func (w *Words) secret(name, label, hint string) Field {
	return Field{Name: name, Label: label, Hint: hint, Type: "password", Complete: "off", Show: w.fields.show}
}

// askPassword adds the service password to a form for a code, if neither the machine
// nor the client has it any more: see ErrPasswordNeeded.
func (w *Words) askPassword(s *Screen) {
	if s.Form == nil || s.Form.Input != carrierfsm.InputCaptcha {
		return
	}
	s.Topic += ".password"
	s.Form.Keep = true
	s.Form.Fields = append(s.Form.Fields, w.secret("password", w.fields.passwordAgain, ""))
}
