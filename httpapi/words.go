package httpapi

import (
	"net/http"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// Words has all that a person reads of a verification, in one language: for each kind
// of prompt and each reason why it is shown, each end and each problem. There is a
// text for the kinds, events and codes of a newer build too. It is safe for concurrent
// use.
type Words struct {
	lang     string
	prompts  map[carrierfsm.PromptKind]question
	other    question // for kinds that are not in prompts
	reasons  map[carrierfsm.Event]string
	special  map[situation]string // where a reason reads differently at a kind of prompt
	another  string               // for reasons that are not in reasons
	ends     map[carrierfsm.Event]ending
	failed   ending // for events that are not in ends
	problems map[string]string
	broken   string // for problems that are not in problems
	fields   fieldWords
	actions  actionWords
	unnamed  placeholders // in place of what is not known
}

// situation is a kind of prompt, why it is shown, and whether another code can be
// asked for.
type situation struct {
	kind   carrierfsm.PromptKind
	reason carrierfsm.Event
	resend bool
}

// question has the texts for a kind of prompt.
type question struct {
	title, hint, submit string
}

// ending has the texts for the end of a verification.
type ending struct {
	title, text string
}

// fieldWords are the labels and hints of fields.
type fieldWords struct {
	name, idCard, phone, consent                 string
	password, passwordAgain, queryPassword, code string
	newPassword, newPasswordHint, show, attempts string
	missing, notAgreed                           string
}

// actionWords are the texts of buttons and around them. {t} is a time, {n} a number.
type actionWords struct {
	resend, resendIn, reset, cancel, anew, textCXXD string
	waiting, busy, canceling, deadline, said        string
}

// placeholders are what stands for {operator}, {number} and {hotline} in a text.
type placeholders struct {
	operator, number, hotline string
}

// hotlines are the operators' own numbers, by a part of the operator's name.
var hotlines = [...]struct{ part, number string }{{"移动", "10086"}, {"联通", "10010"}, {"电信", "10000"}}

// fill puts the operator and the number of a verification into a text.
func (w *Words) fill(text string, v *carrierfsm.Verification) string {
	p := w.unnamed
	if v.Source.Name != "" {
		p.operator = v.Source.Name
	}
	if v.Account != "" {
		p.number = " " + v.Account + " "
	}
	for _, h := range hotlines {
		if strings.Contains(v.Source.Name, h.part) {
			p.hotline = " " + h.number + " "
		}
	}
	return strings.NewReplacer("{operator}", p.operator, "{number}", p.number, "{hotline}", p.hotline).Replace(text)
}

// expectedReasons are the reasons that need no text: the question is enough.
var expectedReasons = map[carrierfsm.PromptKind]carrierfsm.Event{
	carrierfsm.PromptApplication:   "",
	carrierfsm.PromptPassword:      carrierfsm.PasswordRequested,
	carrierfsm.PromptQueryPassword: carrierfsm.QueryPasswordRequested,
	carrierfsm.PromptCaptcha:       carrierfsm.CaptchaRequested,
	carrierfsm.PromptSecondCaptcha: carrierfsm.CaptchaRequested,
	carrierfsm.PromptOwnSMS:        carrierfsm.OwnSMSRequested,
	carrierfsm.PromptResetCaptcha:  carrierfsm.ResetCaptchaRequested,
}

// isMistake reports whether the operator refused what the person entered. Any other
// reason is nobody's fault.
func isMistake(reason carrierfsm.Event) bool {
	switch reason {
	case carrierfsm.ApplicationRejected, carrierfsm.PasswordRejected, carrierfsm.QueryPasswordRejected,
		carrierfsm.CaptchaRejected, carrierfsm.NewPasswordRejected:
		return true
	default:
		return false
	}
}

// question returns the texts for a kind of prompt.
func (w *Words) question(k carrierfsm.PromptKind) question {
	if q, known := w.prompts[k]; known {
		return q
	}
	return w.other
}

// reason returns why a prompt is shown; empty for the expected reason.
func (w *Words) reason(p *carrierfsm.Prompt) string {
	if expected, known := expectedReasons[p.Kind]; known && expected == p.Reason {
		return ""
	}
	if text, known := w.special[situation{p.Kind, p.Reason, p.Resend != nil}]; known {
		return text
	}
	if text, known := w.reasons[p.Reason]; known {
		return text
	}
	return w.another
}

// ending returns the texts for the end of a verification.
func (w *Words) ending(reason carrierfsm.Event) ending {
	if e, known := w.ends[reason]; known {
		return e
	}
	return w.failed
}

// Language returns the language's tag: "zh" or "en".
func (w *Words) Language() string { return w.lang }

// Problem returns the text for the code of a Problem; for an unknown code, that
// something is wrong.
func (w *Words) Problem(code string) string {
	if text, known := w.problems[code]; known {
		return text
	}
	return w.broken
}

// Chinese returns the words in simplified Chinese.
func Chinese() *Words { return chinese }

// English returns the words in English.
func English() *Words { return english }

// Language returns the words that a request asks for by its parameter "lang" or else
// its header Accept-Language; Chinese where it asks for neither language.
func Language(r *http.Request) *Words {
	wanted := r.URL.Query().Get("lang") + "," + r.Header.Get("Accept-Language")
	for tag := range strings.SplitSeq(wanted, ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		primary, _, _ := strings.Cut(tag, "-")
		for _, w := range []*Words{chinese, english} {
			if strings.EqualFold(primary, w.lang) {
				return w
			}
		}
	}
	return chinese
}
