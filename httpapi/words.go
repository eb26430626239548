package httpapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// Words has all that a person reads of a verification, in one language: for each kind
// of prompt and each reason why it is shown, each end and each problem. There is a
// text for the kinds, events and codes of a newer build too. It is safe for concurrent
// use.
type Words struct {
	lang        string
	prompts     map[carrierfsm.PromptKind]question
	other       question // for kinds that are not in prompts
	newPassword question // the code of a reset with a new password
	mustReset   question // a password that has to be reset first
	noPassword  question // a reset is all that is left
	nextSource  string   // why the password of the next source is asked for
	resent      string   // why a prompt is shown after another code was sent
	help        map[carrierfsm.PromptKind]Help
	reasons     map[carrierfsm.Event]string
	special     map[situation]string // where a reason reads differently at a kind of prompt
	another     string               // for reasons that are not in reasons
	end         endWords
	limits      limitWords
	problems    map[string]string
	broken      string // for problems that are not in problems
	fields      fieldWords
	actions     actionWords
	document    documentWords
	progress    progressWords
	clock       string       // the layout of a time
	unnamed     placeholders // in place of what is not known
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
	fault       bool // it failed by what the person entered
	again       bool // the text goes on with whether and when another one can begin
}

// endWords are the texts of ends.
type endWords struct {
	events     map[carrierfsm.Event]ending
	exhausted  map[carrierfsm.PromptKind]ending // no attempts left, by what was asked for
	noAnswer   ending                           // no attempts left, and the last one was not answered
	notSent    ending                           // expired, and the last answer could not be sent
	byOperator ending                           // canceled or expired by the host's staff
	replaced   ending                           // canceled by a newer verification of the number
	other      ending                           // for events that are not in events
	again      string                           // another one can begin
	againAt    string                           // another one can begin at {time}
	never      string                           // none can begin
}

// limitWords are the texts for a budget that is used up. Each ends with until or never.
type limitWords struct {
	title        string
	kinds        map[budget.Kind]string
	other        string // for kinds that are not in kinds
	until, never string
}

// fieldWords are the labels and hints of fields.
type fieldWords struct {
	name, idCard, phone, consent                 string
	password, passwordAgain, queryPassword, code string
	newPassword, newPasswordHint, show, attempts string
	missing, notAgreed, notAgreedSensitive       string
}

// actionWords are the texts of buttons and around them. {t} is a time, {n} a number.
type actionWords struct {
	resend, resendIn, reset, cancel, correct, textCXXD string
	anew, anewAt, otherNumber                          string
	cancelAsks, cancelYes, correctAsks, correctYes, no string
	waiting, busy, canceling, deadline, said           string
}

// documentWords are the headings of a Document.
type documentWords struct {
	title, version                                                   string
	collector, data, purpose, recipients, retention, rights, contact string
}

// progressWords are the texts of a Progress.
type progressWords struct {
	step, source string
}

// placeholders are what stands for {operator}, {number} and {hotline} in a text.
type placeholders struct {
	operator, number, hotline string
}

// hotlines are the operators' own numbers, by a part of the operator's name.
var hotlines = [...]struct{ part, number string }{{"移动", "10086"}, {"联通", "10010"}, {"电信", "10000"}}

// beijing is the time zone of the persons: their numbers are those of mainland China.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// fill puts values into a text; pairs are the names of placeholders and their values.
func fill(text string, pairs ...string) string {
	list := make([]string, len(pairs))
	for i, p := range pairs {
		if list[i] = p; i%2 == 0 {
			list[i] = "{" + p + "}"
		}
	}
	return strings.NewReplacer(list...).Replace(text)
}

// fill puts the operator, the number and the sources of a verification into a text.
func (w *Words) fill(text string, v *carrierfsm.Verification) string {
	p := w.unnamed
	if v.Source.Name != "" {
		p.operator = v.Source.Name
	}
	if v.Account != "" {
		p.number = w.spaced(v.Account)
	}
	for _, h := range hotlines {
		if strings.Contains(v.Source.Name, h.part) {
			p.hotline = w.spaced(h.number)
		}
	}
	previous, n := "", len(v.Collected)
	if n > 0 {
		previous = v.Collected[n-1]
	}
	text = fill(text, "operator", p.operator, "number", p.number, "hotline", p.hotline,
		"previous", previous, "n", strconv.Itoa(n), "m", strconv.Itoa(v.Sources))
	return strings.ReplaceAll(text, " ，", "，")
}

// spaced returns a number for the middle of a sentence: Chinese has no spaces between
// words, and is read more easily with some around digits.
func (w *Words) spaced(number string) string {
	if w == chinese {
		return " " + number + " "
	}
	return number
}

// at returns a time as a person in China reads it.
func (w *Words) at(t time.Time) string { return t.In(beijing).Format(w.clock) }

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

// isExpected reports whether a prompt is shown for the reason that needs no text.
func isExpected(p *carrierfsm.Prompt) bool {
	expected, known := expectedReasons[p.Kind]
	return known && expected == p.Reason
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

// question returns the texts for a prompt.
func (w *Words) question(p *carrierfsm.Prompt) question {
	switch {
	case resetRequired(p) && p.Reason == carrierfsm.ResetRequired:
		return w.mustReset
	case resetRequired(p):
		return w.noPassword
	case p.NeedsNewPassword:
		return w.newPassword
	}
	if q, known := w.prompts[p.Kind]; known {
		return q
	}
	return w.other
}

// reason returns why a prompt is shown; empty for the expected reason.
func (w *Words) reason(v *carrierfsm.Verification) string {
	p := v.Prompt
	switch {
	case isExpected(p) && p.Kind == carrierfsm.PromptPassword && len(v.Collected) > 0:
		return w.nextSource
	case isExpected(p), resetRequired(p) && p.Reason == carrierfsm.ResetRequired:
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

// problem returns the text for a problem, with the time after which the request may
// succeed where a number is limited.
func (w *Words) problem(p Problem, now time.Time) string {
	if p.Code != codeLimited || p.RetryAfter == 0 {
		return w.Problem(p.Code)
	}
	return w.limits.other + fill(w.limits.until, "time", w.at(now.Add(time.Duration(p.RetryAfter)*time.Second)))
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
