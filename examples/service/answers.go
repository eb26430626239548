package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// consentPolicy is the version of the text that the person agrees to. Change it
// together with the text in words_*.go.
const consentPolicy = "2026-11"

// submission is the page's request: the step of the screen, and the fields of its
// form. Go strings can't be overwritten, so secrets stay in memory until they are
// garbage-collected.
type submission struct {
	Step        int    `json:"step"`
	Name        string `json:"name"`
	IDCard      string `json:"id_card"`
	Phone       string `json:"phone"`
	Consent     string `json:"consent"` // the version of the text
	Password    string `json:"password"`
	Code        string `json:"code"`
	NewPassword string `json:"new_password"`
}

// inputs convert a submission to an input, by the name in the endpoint's path. carry
// is the sealed password from the cookie. There is no SkipSource: skipping the only
// source ends in done with nothing verified, so the host must decide that, not the
// person.
var inputs = map[string]func(t submission, carry string) carrierfsm.Input{
	"apply": func(t submission, _ string) carrierfsm.Input {
		return carrierfsm.Apply{Step: t.Step, Form: t.form(), Consent: t.consent()}
	},
	"password": func(t submission, _ string) carrierfsm.Input {
		return carrierfsm.Password{Step: t.Step, Password: carrierfsm.NewSecret(t.Password)}
	},
	"query_password": func(t submission, carry string) carrierfsm.Input {
		return carrierfsm.QueryPassword{Step: t.Step, Password: carrierfsm.NewSecret(t.Password), Carry: carrierfsm.NewSecret(carry)}
	},
	"captcha": func(t submission, carry string) carrierfsm.Input {
		return carrierfsm.Captcha{
			Step: t.Step, Code: carrierfsm.NewSecret(t.Code), Carry: carrierfsm.NewSecret(carry), Password: carrierfsm.NewSecret(t.Password),
		}
	},
	"resend_captcha": func(t submission, _ string) carrierfsm.Input { return carrierfsm.ResendCaptcha{Step: t.Step} },
	"request_reset":  func(t submission, _ string) carrierfsm.Input { return carrierfsm.RequestReset{Step: t.Step} },
	"reset_captcha": func(t submission, _ string) carrierfsm.Input {
		return carrierfsm.ResetCaptcha{
			Step: t.Step, Code: carrierfsm.NewSecret(t.Code), NewPassword: carrierfsm.NewSecret(t.NewPassword),
		}
	},
	"cancel": func(submission, string) carrierfsm.Input { return carrierfsm.Cancel{} },
}

func (t submission) form() carrierfsm.Form {
	return carrierfsm.Form{Name: carrierfsm.NewSecret(t.Name), IDCard: carrierfsm.NewSecret(t.IDCard), Phone: carrierfsm.NewSecret(t.Phone)}
}

// consent returns the zero value for another text than the present one.
func (t submission) consent() carrierfsm.Consent {
	if t.Consent != consentPolicy {
		return carrierfsm.Consent{}
	}
	return carrierfsm.Consent{Policy: t.Consent, At: time.Now(), Channel: "web"}
}

// decodeSubmission decodes the body. Its error does not quote it.
func decodeSubmission(r *http.Request) (t submission, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(&t) != nil || d.Decode(&struct{}{}) != io.EOF {
		return submission{}, fmt.Errorf("%w: the body is not a valid submission", carrierfsm.ErrInvalid)
	}
	return t, nil
}
