package carrierfsm

import (
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm/internal/text"
	"github.com/carrierfsm/carrierfsm/internal/wordset"
)

// maxMessage and maxWord bound upstream's texts and words, in bytes.
const (
	maxMessage = 1024
	maxWord    = 64
)

// valuesOf appends the values of the secrets to values, which is empty, the
// longest first: a short value inside a long one must not be replaced first and
// leave the rest readable.
func valuesOf(values []string, secrets ...Secret) []string {
	for _, s := range secrets {
		if value := s.reveal(); value != "" {
			values = append(values, value)
		}
	}
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	return values
}

// redact makes a text of upstream's fit to be stored and shown.
func redact(content Secret, values []string) string {
	return text.Redact(content.reveal(), values, maxMessage)
}

// redactSource makes the name of a source fit to be stored. The website must be
// sent back unchanged, so ok is false if it contains one of the values. Values
// without a digit and very short ones are ignored: an address may be "china",
// and an operator's password is a number.
func redactSource(s Source, values []string) (_ Source, ok bool) {
	for _, value := range values {
		if len(value) >= 4 && strings.ContainsAny(value, "0123456789") && strings.Contains(s.Website, value) {
			return Source{}, false
		}
	}
	s.Name = text.Redact(s.Name, values, maxMessage)
	return s, true
}

// redactReply makes the words of a reply fit to be stored. Words that the reply
// table knows stay unchanged, whatever the secrets are.
func redactReply(r Reply, values []string) Reply {
	word := func(known wordset.Column, s string) string {
		if s == "" || slices.Contains(known, s) {
			return s
		}
		s = text.Truncate(text.Redact(s, values, maxMessage), maxWord)
		if s == "" || slices.Contains(known, s) {
			return text.Hidden // an unknown word must not become a known one
		}
		return s
	}
	r.Code = ProcessCode(word(codeColumn, string(r.Code)))
	r.Type = word(kindColumn, r.Type)
	r.Template = word(templateColumn, r.Template)
	return r
}
