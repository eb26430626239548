package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// consentPolicy is the version of the text that the person agrees to; change
// it with the text in words_*.go.
const consentPolicy = "2026-11"

// typed is what the page sends: the step of the screen, and the fields of its
// form. Strings can't be overwritten in Go; they live until they are collected.
type typed struct {
	Step        int    `json:"step"`
	Name        string `json:"name"`
	IDCard      string `json:"id_card"`
	Phone       string `json:"phone"`
	Consent     string `json:"consent"` // the version agreed to
	Password    string `json:"password"`
	Code        string `json:"code"`
	NewPassword string `json:"new_password"`
}

// inputs make an input of what was typed, by the name in the endpoint's path.
// carry is the sealed password from the cookie. SkipSource is not among them:
// where a source is the only one, leaving it out ends in done with nothing
// verified, so that is the host's to decide and not the person's.
var inputs = map[string]func(t typed, carry string) carrierfsm.Input{
	"apply": func(t typed, _ string) carrierfsm.Input {
		return carrierfsm.Apply{Step: t.Step, Form: t.form(), Consent: t.consent()}
	},
	"password": func(t typed, _ string) carrierfsm.Input {
		return carrierfsm.Password{Step: t.Step, Password: carrierfsm.NewSecret(t.Password)}
	},
	"query_password": func(t typed, carry string) carrierfsm.Input {
		return carrierfsm.QueryPassword{Step: t.Step, Password: carrierfsm.NewSecret(t.Password), Carry: carry}
	},
	"captcha": func(t typed, carry string) carrierfsm.Input {
		return carrierfsm.Captcha{
			Step: t.Step, Code: carrierfsm.NewSecret(t.Code), Carry: carry, Password: carrierfsm.NewSecret(t.Password),
		}
	},
	"resend_captcha": func(t typed, _ string) carrierfsm.Input { return carrierfsm.ResendCaptcha{Step: t.Step} },
	"request_reset":  func(t typed, _ string) carrierfsm.Input { return carrierfsm.RequestReset{Step: t.Step} },
	"reset_captcha": func(t typed, _ string) carrierfsm.Input {
		return carrierfsm.ResetCaptcha{
			Step: t.Step, Code: carrierfsm.NewSecret(t.Code), NewPassword: carrierfsm.NewSecret(t.NewPassword),
		}
	},
	"cancel": func(typed, string) carrierfsm.Input { return carrierfsm.Cancel{} },
}

func (t typed) form() carrierfsm.Form {
	return carrierfsm.Form{Name: t.Name, IDCard: t.IDCard, Phone: t.Phone}
}

// consent is none for a text that is not the present one.
func (t typed) consent() carrierfsm.Consent {
	if t.Consent != consentPolicy {
		return carrierfsm.Consent{}
	}
	return carrierfsm.Consent{Policy: t.Consent, At: time.Now(), Channel: "web"}
}

// decode reads what was typed. Its error says nothing of the body.
func decode(r *http.Request) (t typed, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(&t) != nil || d.Decode(&struct{}{}) != io.EOF {
		return typed{}, fmt.Errorf("%w: the body is not what the page sends", carrierfsm.ErrInvalid)
	}
	return t, nil
}
