package main

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/carrierfsm/carrierfsm"
)

// promptTexts are the questions that the person reads.
var promptTexts = map[carrierfsm.PromptKind]string{
	carrierfsm.PromptApplication:   "The person's form, with their consent",
	carrierfsm.PromptPassword:      "The operator's service password",
	carrierfsm.PromptQueryPassword: "The operator's query password",
	carrierfsm.PromptCaptcha:       "The code that the operator texted",
	carrierfsm.PromptSecondCaptcha: "A second code that the operator texted",
	carrierfsm.PromptOwnSMS:        "Text CXXD to 10001 from the phone, then the code that comes back",
	carrierfsm.PromptResetCaptcha:  "The code for the password reset",
}

// eventTexts describe what happened.
var eventTexts = map[carrierfsm.Event]string{
	carrierfsm.ApplicationAccepted:    "the form was accepted",
	carrierfsm.ApplicationRejected:    "the form was refused",
	carrierfsm.SourceUnsupported:      "this operator is not served at present",
	carrierfsm.PasswordRequested:      "the service password is needed",
	carrierfsm.PasswordRejected:       "the password was wrong",
	carrierfsm.QueryPasswordRequested: "the query password is needed",
	carrierfsm.QueryPasswordRejected:  "the query password was wrong",
	carrierfsm.CaptchaRequested:       "the operator texted a code",
	carrierfsm.OwnSMSRequested:        "the person has to text the operator",
	carrierfsm.CaptchaRejected:        "the code was wrong",
	carrierfsm.CaptchaReissued:        "the code was too old, the operator texted another",
	carrierfsm.CaptchaExpired:         "the code is too old by now",
	carrierfsm.ResetRequired:          "the password is too weak and has to be reset",
	carrierfsm.ResetUnsupported:       "the password is too weak, and can't be reset here",
	carrierfsm.ResetCaptchaRequested:  "the operator texted a code for the reset",
	carrierfsm.NewPasswordRejected:    "the new password has a bad format",
	carrierfsm.PasswordReset:          "the password was reset",
	carrierfsm.ResetFailed:            "the password could not be reset",
	carrierfsm.SourceCollected:        "this source is completed, the next one begins",
	carrierfsm.CollectionStarted:      "logged in, the collection has begun",
	carrierfsm.VerificationRejected:   "the operator ended it",
	carrierfsm.UpstreamUnavailable:    "nothing could be sent",
	carrierfsm.OutcomeUnknown:         "we could not confirm the outcome of the answer",
	carrierfsm.ReplyUnrecognized:      "the operator sent a reply that we don't understand",
	carrierfsm.ReportReady:            "the report is ready",
	carrierfsm.ReportFailed:           "there will be no report",
	carrierfsm.AttemptsExhausted:      "no attempts are left",
	carrierfsm.Expired:                "time is over",
	carrierfsm.Canceled:               "it was canceled",
	carrierfsm.Erased:                 "the data was erased",
}

func describe(t carrierfsm.Transition) string {
	if t.From == t.To {
		return fmt.Sprintf("%s again: %s", t.To, eventTexts[t.Event])
	}
	return fmt.Sprintf("%s → %s: %s", t.From, t.To, eventTexts[t.Event])
}

// reasonSuffix returns why a prompt is repeated; empty for the first of its kind.
func reasonSuffix(e carrierfsm.Event) string {
	switch e {
	case "", carrierfsm.PasswordRequested, carrierfsm.CaptchaRequested, carrierfsm.OwnSMSRequested, carrierfsm.QueryPasswordRequested:
		return ""
	default:
		return " (" + eventTexts[e] + ")"
	}
}

func messageSuffix(message string) string {
	if message == "" {
		return ""
	}
	return " The operator says: " + message
}

// style is an escape sequence of the terminal.
type style string

const (
	plain style = ""
	bold  style = "\x1b[1m"
	faint style = "\x1b[2m"
	red   style = "\x1b[31m"
	green style = "\x1b[32m"
	cyan  style = "\x1b[36m"
)

// lineWidth is that of a terminal that is not wide.
const lineWidth = 80

// print prints a line, wrapped. The lines that follow are indented as the first is.
func (s *session) print(as style, format string, args ...any) {
	for _, line := range wrap(fmt.Sprintf(format, args...), lineWidth) {
		if s.colour && as != plain {
			line = string(as) + line + "\x1b[0m"
		}
		_, _ = fmt.Fprintln(s.out, line)
	}
}

// wrap breaks a text into lines of at most so many columns, at spaces and beside Chinese
// characters. A longer word has a line of its own.
func wrap(text string, width int) (lines []string) {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	line, column := "", 0
	for _, word := range words(text) {
		n := columns(word)
		if column > len(indent) && column+columns(strings.TrimRight(word, " ")) > width {
			lines = append(lines, strings.TrimRight(line, " "))
			line, column = indent, len(indent)
		}
		line, column = line+word, column+n
	}
	return append(lines, strings.TrimRight(line, " "))
}

// words splits a text where it may be broken: after spaces, and around wide characters.
func words(text string) (list []string) {
	word := ""
	var last rune
	for _, r := range text {
		if word != "" && (last == ' ' && r != ' ' && strings.TrimSpace(word) != "" || isWide(r) && last != ' ' || isWide(last)) {
			list, word = append(list, word), ""
		}
		word, last = word+string(r), r
	}
	return append(list, word)
}

func columns(text string) (n int) {
	for _, r := range text {
		if n++; isWide(r) {
			n++
		}
	}
	return n
}

// isWide reports whether a terminal shows a character in two columns.
func isWide(r rune) bool {
	return unicode.Is(unicode.Han, r) || r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r <= 0xff60
}
