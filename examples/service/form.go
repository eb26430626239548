package main

import (
	"strconv"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// form is what the person fills in, for the input of that name.
type form struct {
	Input  string  `json:"input"`
	Fields []field `json:"fields"`
	Submit string  `json:"submit"`
	// Missing is what is said at a field that is empty.
	Missing string `json:"missing"`
}

// field is one of a form, with the attributes that phones choose the keyboard
// and fill in codes by.
type field struct {
	Name     string `json:"name"` // of what the page sends
	Label    string `json:"label"`
	Hint     string `json:"hint,omitempty"`
	Type     string `json:"type"` // "text", "tel", "password", "checkbox"
	Mode     string `json:"mode,omitempty"`
	Complete string `json:"complete"`
	Longest  int    `json:"longest,omitempty"`
	Value    string `json:"value,omitempty"` // of a checkbox
	Show     string `json:"show,omitempty"`  // label of what makes a password readable
	Wrong    bool   `json:"wrong,omitempty"` // what was typed here is why it is asked again
}

// form is what answers a prompt; nil where nothing can be typed.
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
	default: // of a newer build: nothing that we could send
		return nil
	}
	if mustReset(p) {
		return nil
	}
	f.mark(p.Reason)
	return f
}

// mark marks the field that a reason is about: the first one, except where it
// names another.
func (f *form) mark(reason carrierfsm.Event) {
	about := 0
	for i, field := range f.Fields {
		if reason == carrierfsm.NewPasswordRejected && field.Name == "new_password" {
			about = i
		}
	}
	f.Fields[about].Wrong = wrong(reason)
}

// application has the three fields that are required, and the consent.
func (w *words) application() []field {
	return []field{
		{Name: "name", Label: w.fields.name, Type: "text", Complete: "name", Longest: 64},
		{Name: "id_card", Label: w.fields.idCard, Type: "text", Complete: "off", Longest: 18},
		{Name: "phone", Label: w.fields.phone, Type: "tel", Mode: "numeric", Complete: "tel-national", Longest: 11},
		{Name: "consent", Label: w.fields.consent, Type: "checkbox", Value: consentPolicy, Complete: "off"},
	}
}

// code has the phone offer what came by SMS.
func (w *words) code(hint string) field {
	return field{
		Name: "code", Label: w.fields.code, Hint: hint, Type: "text", Mode: "numeric",
		Complete: "one-time-code", Longest: 16,
	}
}

// secret is no password of this site, so browsers are asked not to keep it.
func (w *words) secret(name, label, hint string) field {
	return field{Name: name, Label: label, Hint: hint, Type: "password", Complete: "off", Longest: 64, Show: w.fields.show}
}

// askPassword has the service password typed beside the code, where neither
// the machine nor the browser has it any more: see ErrPasswordNeeded.
func (s *screen) askPassword(w *words) {
	if s.Form == nil || s.Form.Input != "captcha" {
		return
	}
	s.Topic += ".password"
	s.Form.Fields = append(s.Form.Fields, w.secret("password", w.fields.passwordAgain, ""))
}
