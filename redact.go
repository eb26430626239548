package carrierfsm

import (
	"slices"

	"github.com/carrierfsm/carrierfsm/internal/text"
	"github.com/carrierfsm/carrierfsm/internal/wordset"
)

// What upstream sends, and what a handler fails with, is stored and shown only as far as
// this file allows.

const (
	// maxMessage bounds upstream's texts, in bytes.
	maxMessage = 1024
	// maxWord bounds a website, and upstream's type and template, in bytes.
	maxWord = 64
	// maxCode bounds a process code that the reply table does not know, in digits:
	// a code that was texted to a person has more.
	maxCode = 5
	// maxToken and maxCursor bound what upstream is sent back, in bytes.
	maxToken, maxCursor = 256, 4096
)

// addValues adds the values of secrets.
func addValues(v *text.Values, kind text.Kind, secrets ...Secret) {
	for _, s := range secrets {
		s.Use(func(value []byte) { v.Add(kind, value) })
	}
}

// redact makes a text of upstream's fit to be stored and shown.
func redact(content Secret, known *text.Values) (redacted string) {
	content.Use(func(value []byte) { redacted = text.Redact(value, known, maxMessage) })
	return redacted
}

// checkSource makes a source fit to be stored. Its website must be sent back
// unchanged, so ok is false if it is no name of a website, has a long number or
// repeats one of the values.
func checkSource(s Source, known *text.Values) (_ Source, ok bool) {
	if s.Website != "" && (!text.Token(s.Website, maxWord) || text.CountDigits(s.Website) > maxCode || known.Repeated(s.Website, inWebsite)) {
		return Source{}, false
	}
	s.Name = text.Redact(s.Name, known, maxMessage)
	if !s.ResetMethod.possible() {
		s.ResetMethod = ResetNone
	}
	return s, true
}

// inWebsite reports whether a website must not have this value in it. A word of an
// address may be "china".
func inWebsite(m text.Match) bool {
	switch {
	case m.Size < 4:
		return false
	case m.Digit || m.Encoded || m.Kind == text.Secret:
		return true
	default:
		return m.Kind == text.Name && (m.Whole || m.Size >= 6)
	}
}

// checkToken reports whether a token is fit to be stored and sent.
func checkToken(token Secret, known *text.Values) (ok bool) {
	token.Use(func(value []byte) {
		s := string(value)
		ok = text.Token(s, maxToken) && !known.Repeated(s, func(m text.Match) bool { return m.Size >= 6 })
	})
	return ok
}

// checkCursor reports whether a cursor is fit to be stored: it is not a secret.
func checkCursor(cursor []byte, known *text.Values) bool {
	return len(cursor) <= maxCursor && (len(cursor) == 0 ||
		!known.Repeated(string(cursor), func(m text.Match) bool { return m.Kind == text.Secret && m.Size >= 6 }))
}

// redactReply makes the words of a reply fit to be stored. Words that the reply
// table knows stay unchanged, whatever the values are.
func redactReply(r Reply, known *text.Values) Reply {
	word := func(column wordset.Column, s string, allowed bool) string {
		switch {
		case s == "" || slices.Contains(column, s):
			return s
		case allowed && !known.Repeated(s, func(m text.Match) bool { return m.Size >= 4 || m.Whole }):
			return s
		}
		return text.Hidden
	}
	r.Code = ProcessCode(word(codeColumn, string(r.Code), len(r.Code) <= maxCode && text.Digits(string(r.Code))))
	r.Type = word(kindColumn, r.Type, text.Word(r.Type, maxWord))
	r.Template = word(templateColumn, r.Template, text.Word(r.Template, maxWord))
	return r
}

// maxNote bounds a note, in bytes.
const maxNote = 512

// SealNote makes a text fit to be stored beside a verification, by package outbox for
// instance: it hides numbers and the values of the verification that this process knows,
// cuts it at 512 bytes, and seals it, bound to the deployment, the verification and the
// place. Without a Sealer it is readable. It returns nil if the Sealer fails.
func (m *Machine) SealNote(id, place, note string) []byte {
	known, _ := m.known.Get(id, func(v *text.Values) *text.Values { return v })
	return m.codec.sealNote(id, place, text.Redact(note, known, maxNote))
}

// OpenNote returns a text that SealNote has sealed for this verification and place. The
// error matches ErrSealed, ErrForged or ErrCorrupt.
func (m *Machine) OpenNote(id, place string, sealed []byte) (string, error) {
	note, err := m.codec.openNote(id, place, sealed)
	if err != nil {
		return "", &Error{ID: id, Err: err}
	}
	return note, nil
}
