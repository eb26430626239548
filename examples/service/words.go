package main

import (
	"net/http"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// words are everything that a person reads, in one language. The page is
// written from prompts alone: a kind of prompt is a question, the event that
// led to it is why it is asked, and where a verification has ended that event
// tells how. Both fall back to something sensible, so that a newer build's
// kinds and events are shown too.
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

// question is how a kind of prompt is put to the person.
type question struct {
	title, hint, submit string
}

// ending is how the end of a verification is told.
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

// actionWords are buttons, and what is said beside them. {t} is a time, {n} a number.
type actionWords struct {
	resend, resendIn, reset, cancel, anew, textCXXD string
	waiting, busy, canceling, deadline, said        string
}

// pageWords are what the page says by itself.
type pageWords struct {
	Title, Other, OtherLang, Loading, Offline, NoScript, About string
}

// ordinary are the reasons that the question itself tells.
var ordinary = map[carrierfsm.PromptKind][]carrierfsm.Event{
	carrierfsm.PromptApplication:   {""},
	carrierfsm.PromptPassword:      {carrierfsm.PasswordRequested},
	carrierfsm.PromptQueryPassword: {carrierfsm.QueryPasswordRequested},
	carrierfsm.PromptCaptcha:       {carrierfsm.CaptchaRequested},
	carrierfsm.PromptSecondCaptcha: {carrierfsm.CaptchaRequested},
	carrierfsm.PromptOwnSMS:        {carrierfsm.OwnSMSRequested},
	carrierfsm.PromptResetCaptcha:  {carrierfsm.ResetCaptchaRequested},
}

// news are the reasons that are no mistake of anybody's.
var news = []carrierfsm.Event{
	carrierfsm.CaptchaRequested, carrierfsm.CaptchaReissued, carrierfsm.OwnSMSRequested, carrierfsm.QueryPasswordRequested,
	carrierfsm.PasswordRequested, carrierfsm.PasswordReset, carrierfsm.ResetCaptchaRequested, carrierfsm.SourceCollected,
	carrierfsm.ApplicationAccepted,
}

// question puts a kind of prompt to the person.
func (w *words) question(k carrierfsm.PromptKind) question {
	if q, known := w.prompts[k]; known {
		return q
	}
	return w.other
}

// why tells why a prompt is shown; empty where the question says it all.
func (w *words) why(k carrierfsm.PromptKind, reason carrierfsm.Event) string {
	for _, e := range ordinary[k] {
		if e == reason {
			return ""
		}
	}
	if text, known := w.reasons[reason]; known {
		return text
	}
	return w.another
}

// ending tells how a verification has ended.
func (w *words) ending(v carrierfsm.Verification) ending {
	if e, known := w.ends[v.Reason]; known {
		return e
	}
	return w.failed
}

// problem tells what was wrong with a request.
func (w *words) problem(word string) string {
	if text, known := w.problems[word]; known {
		return text
	}
	return w.broken
}

var languages = []*words{&chinese, &english} // the first is for those who name none of them

// language is what the page asked for, or else what the browser prefers.
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
