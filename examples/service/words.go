package main

import (
	"net/http"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// words has all texts that a person reads, in one language. The page is made from
// prompts alone: the kind of a prompt selects the question, and the latest event the
// reason or the end. Both have a fallback, so that the kinds and events of a newer
// build are shown too.
type words struct {
	lang     string
	page     pageWords
	prompts  map[carrierfsm.PromptKind]question
	other    question // for kinds that are not in prompts
	reasons  map[carrierfsm.Event]string
	another  string // for reasons that are not in reasons
	ends     map[carrierfsm.Event]ending
	failed   ending // for events that are not in ends
	problems map[string]string
	broken   string // for problems that are not in problems
	fields   fieldWords
	actions  actionWords
	policy   []string
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
	missing                                      string
}

// actionWords are the texts of buttons and around them. {t} is a time, {n} a number.
type actionWords struct {
	resend, resendIn, reset, cancel, anew, textCXXD string
	waiting, busy, canceling, deadline, said        string
}

// pageWords are the texts of the page around the screen.
type pageWords struct {
	Title, Other, OtherLang, Loading, Offline, NoScript, About string
}

// expectedReasons are the reasons that need no text: the question is enough.
var expectedReasons = map[carrierfsm.PromptKind][]carrierfsm.Event{
	carrierfsm.PromptApplication:   {""},
	carrierfsm.PromptPassword:      {carrierfsm.PasswordRequested},
	carrierfsm.PromptQueryPassword: {carrierfsm.QueryPasswordRequested},
	carrierfsm.PromptCaptcha:       {carrierfsm.CaptchaRequested},
	carrierfsm.PromptSecondCaptcha: {carrierfsm.CaptchaRequested},
	carrierfsm.PromptOwnSMS:        {carrierfsm.OwnSMSRequested},
	carrierfsm.PromptResetCaptcha:  {carrierfsm.ResetCaptchaRequested},
}

// neutralReasons are the reasons that are no mistake of the person.
var neutralReasons = []carrierfsm.Event{
	carrierfsm.CaptchaRequested, carrierfsm.CaptchaReissued, carrierfsm.OwnSMSRequested, carrierfsm.QueryPasswordRequested,
	carrierfsm.PasswordRequested, carrierfsm.PasswordReset, carrierfsm.ResetCaptchaRequested, carrierfsm.SourceCollected,
	carrierfsm.ApplicationAccepted,
}

// question returns the texts for a kind of prompt.
func (w *words) question(k carrierfsm.PromptKind) question {
	if q, known := w.prompts[k]; known {
		return q
	}
	return w.other
}

// reasonText returns why a prompt is shown; empty for an expected reason.
func (w *words) reasonText(k carrierfsm.PromptKind, reason carrierfsm.Event) string {
	for _, e := range expectedReasons[k] {
		if e == reason {
			return ""
		}
	}
	if text, known := w.reasons[reason]; known {
		return text
	}
	return w.another
}

// ending returns the texts for the end of a verification.
func (w *words) ending(v carrierfsm.Verification) ending {
	if e, known := w.ends[v.Reason]; known {
		return e
	}
	return w.failed
}

// problem returns the text for a problem's code.
func (w *words) problem(word string) string {
	if text, known := w.problems[word]; known {
		return text
	}
	return w.broken
}

var languages = []*words{&chinese, &english} // the first is the default

// language returns the language that the page requests, or else the one that the
// browser prefers.
func language(r *http.Request) *words {
	wanted := r.URL.Query().Get("lang") + "," + r.Header.Get("Accept-Language")
	for tag := range strings.SplitSeq(wanted, ",") {
		tag, _, _ = strings.Cut(strings.TrimSpace(tag), ";")
		primary, _, _ := strings.Cut(tag, "-")
		for _, w := range languages {
			if strings.EqualFold(primary, w.lang) {
				return w
			}
		}
	}
	return languages[0]
}
