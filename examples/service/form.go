package main

import (
	"strconv"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// form is what the person fills in; Input is the input that it submits.
type form struct {
	Input  string  `json:"input"`
	Fields []field `json:"fields"`
	Submit string  `json:"submit"`
	// Missing is the text at an empty field.
	Missing string `json:"missing"`
}

// field is a field of a form. Mode and Complete are the attributes by which phones
// choose the keyboard and fill in codes. The browser does not limit the length of a
// value: it would cut a longer one, and a part of a number is another number.
type field struct {
	Name     string `json:"name"` // of the member in the page's request
	Label    string `json:"label"`
	Hint     string `json:"hint,omitempty"`
	Type     string `json:"type"` // "text", "tel", "password", "checkbox"
	Mode     string `json:"mode,omitempty"`
	Complete string `json:"complete"`
	Paste    bool   `json:"paste,omitempty"` // a whole message may be pasted
	Value    string `json:"value,omitempty"` // of a checkbox
	Show     string `json:"show,omitempty"`  // label of the checkbox that shows a password
	Wrong    bool   `json:"wrong,omitempty"` // the value of this field was rejected
}

// form returns the form for a prompt; nil if there is nothing to enter.
func (w *words) form(p carrierfsm.Prompt) *form {
	f := &form{Submit: w.question(p.Kind).submit, Missing: w.fields.missing}
	left := ""
	if p.AttemptsLeft > 0 && p.Kind != carrierfsm.PromptApplication {
		left = strings.ReplaceAll(w.fields.attempts, "{n}", strconv.Itoa(p.AttemptsLeft))
	}
	switch p.Kind {
	case carrierfsm.PromptApplication:
		f.Input, f.Fields = "apply", w.application()
	case carrierfsm.PromptPassword:
		f.Input, f.Fields = "password", []field{w.secret("password", w.fields.password, left)}
	case carrierfsm.PromptQueryPassword:
		f.Input, f.Fields = "query_password", []field{w.secret("password", w.fields.queryPassword, left)}
	case carrierfsm.PromptCaptcha, carrierfsm.PromptSecondCaptcha, carrierfsm.PromptOwnSMS:
		f.Input, f.Fields = "captcha", []field{w.code(left)}
	case carrierfsm.PromptResetCaptcha:
		f.Input, f.Fields = "reset_captcha", []field{w.code(left)}
		if p.NeedsNewPassword {
			f.Fields = append(f.Fields, w.secret("new_password", w.fields.newPassword, w.fields.newPasswordHint))
		}
	default: // a kind of a newer build, for which this one has no input
		return nil
	}
	if resetRequired(p) {
		return nil
	}
	f.markField(p.Reason)
	return f
}

// markField marks the field that was rejected: the first one, unless the reason is
// about another.
func (f *form) markField(reason carrierfsm.Event) {
	about := 0
	for i, field := range f.Fields {
		if reason == carrierfsm.NewPasswordRejected && field.Name == "new_password" {
			about = i
		}
	}
	f.Fields[about].Wrong = isMistake(reason)
}

// application returns the three required fields, and the consent.
func (w *words) application() []field {
	return []field{
		{Name: "name", Label: w.fields.name, Type: "text", Complete: "name"},
		{Name: "id_card", Label: w.fields.idCard, Type: "text", Complete: "off"},
		{Name: "phone", Label: w.fields.phone, Type: "tel", Mode: "numeric", Complete: "tel-national"},
		{Name: "consent", Label: w.fields.consent, Type: "checkbox", Value: consentPolicy, Complete: "off"},
	}
}

// code returns a field into which phones offer to fill the code from an SMS.
func (w *words) code(hint string) field {
	return field{
		Name: "code", Label: w.fields.code, Hint: hint, Type: "text", Mode: "numeric",
		Complete: "one-time-code", Paste: true,
	}
}

// secret returns a password field. It is not a password of this site, so browsers
// are asked not to store it.
func (w *words) secret(name, label, hint string) field {
	return field{Name: name, Label: label, Hint: hint, Type: "password", Complete: "off", Show: w.fields.show}
}

// askPassword adds the service password to a form for a code, if neither the machine
// nor the browser has it any more: see ErrPasswordNeeded.
func (s *screen) askPassword(w *words) {
	if s.Form == nil || s.Form.Input != "captcha" {
		return
	}
	s.Topic += ".password"
	s.Form.Fields = append(s.Form.Fields, w.secret("password", w.fields.passwordAgain, ""))
}
