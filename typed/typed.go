// Package typed reads what a person types or pastes into a field: a code, a phone
// number, an ID card number, a name. carrierfsm.Machine.Submit applies it to its inputs, so a
// host needs it only where it uses a value itself, for instance to hash a phone
// number, or to check a field before it submits.
//
// Each function returns the value that the person meant, in ASCII, or an error. It
// never guesses: a text that can be read in two ways is an error. What it drops is
// white space around the value, spaces and hyphens inside it, and characters that
// are not visible. It reads the decimal digits of every script, full-width ones
// among them. A control character, invalid UTF-8, and marks that make a text be
// displayed from right to left are errors.
//
// There is no function for passwords: every character of a password counts, so it
// is sent as it was typed.
package typed

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest is the longest text that is read, in bytes. A longer one is an error: it is
// never cut.
const Longest = 4096

// Why a text has no value. No error contains any of the text.
var (
	// ErrNoCode is returned for a text without a code, or with several numbers that
	// could be the code.
	ErrNoCode = errors.New("typed: there is no code of 4 to 8 digits, or no single one")
	// ErrNoPhone is returned for a text that is no mobile number of mainland China.
	ErrNoPhone = errors.New("typed: there is no mobile number of 11 digits")
	// ErrNoIDCard is returned for a text that has not the form of an ID card number, or
	// not the right check digit.
	ErrNoIDCard = errors.New("typed: there is no ID card number of 18 or 15 digits")
	// ErrNoName is returned for a text that is no name of a person.
	ErrNoName = errors.New("typed: there is no name")
)

// Text is what the functions read and return. A []byte that needs no change is
// returned itself, not a copy; a new one is the caller's to overwrite.
type Text interface{ ~string | ~[]byte }

// The bounds of a code, in digits.
const (
	shortestCode = 4
	longestCode  = 8
)

// Code returns the code of 4 to 8 digits that a text consists of, or that stands in
// it: a person may paste the whole text message. In a message the code has to be the
// only number of 4 to 8 digits, and clearly delimited: a number next to another one,
// to a letter or to a symbol may be part of something else, and so may a year, an
// amount, the last digits of a phone number and an operator's service number. The
// error is ErrNoCode.
func Code[T Text](text T) (T, error) {
	return read(text, isCode, findCode, ErrNoCode)
}

// Phone returns a mobile number of mainland China: 11 digits, the first of which
// is 1. The text may begin with the country code: +86, 0086 or 86. The error is
// ErrNoPhone.
func Phone[T Text](text T) (T, error) {
	return read(text, isPhone, findPhone, ErrNoPhone)
}

// IDCard returns an ID card number of mainland China: 17 digits and their check digit,
// which may be an X, or 15 digits. It makes x a capital letter. The error is
// ErrNoIDCard, also where the check digit shows that a digit is wrong; other documents
// have other numbers.
func IDCard[T Text](text T) (T, error) {
	return read(text, isIDCard, findIDCard, ErrNoIDCard)
}

// Name returns the name of a person: 2 to 64 letters of any script, with spaces, dots,
// hyphens and apostrophes between them, and no digits. The error is ErrNoName.
func Name[T Text](text T) (T, error) {
	var zero T
	if len(text) > Longest {
		return zero, ErrNoName
	}
	if isPlainName([]byte(text)) {
		return text, nil
	}
	buffer, ok := readable([]byte(text))
	defer clear(buffer)
	name := trimSpace(buffer)
	if !ok || !isName(name) {
		return zero, ErrNoName
	}
	value := make([]byte, 0, len(name)*utf8.UTFMax) // never grows, so no copy is left behind
	for _, r := range name {
		value = utf8.AppendRune(value, r)
	}
	return T(value), nil
}

// isPlainName reports whether a text is a name as Name returns it.
func isPlainName(text []byte) bool {
	letters, last := 0, rune(space)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r == utf8.RuneError && size == 1, reorders(r), invisible(r), plainOf(r) != r, letters == 0 && isSpace(r), !inName(r):
			return false
		case unicode.IsLetter(r):
			letters++
		}
		last = r
	}
	return letters >= shortestName && letters <= longestName && !isSpace(last)
}

// The bounds of a name, in letters.
const (
	shortestName = 2
	longestName  = 64
)

func isName(text []rune) bool {
	letters := 0
	for _, r := range text {
		switch {
		case !inName(r):
			return false
		case unicode.IsLetter(r):
			letters++
		}
	}
	return letters >= shortestName && letters <= longestName
}

func inName(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || strings.ContainsRune(" .'-·•‧・’", r)
}

// read returns a text that is a value already, or else the value that find finds in
// its readable characters.
func read[T Text](text T, is func(T) bool, find func([]rune) []rune, none error) (T, error) {
	var zero T
	if len(text) > Longest {
		return zero, none
	}
	if is(text) {
		return text, nil
	}
	buffer, ok := readable([]byte(text))
	defer clear(buffer)
	if !ok {
		return zero, none
	}
	found := find(trimSpace(buffer))
	value := make([]byte, 0, len(found))
	for _, r := range found {
		if r >= utf8.RuneSelf {
			return zero, none
		}
		value = append(value, byte(r))
	}
	if meant := T(value); is(meant) {
		return meant, nil
	}
	clear(value)
	return zero, none
}

func isCode[T Text](s T) bool {
	return len(s) >= shortestCode && len(s) <= longestCode && digits(s)
}

func isPhone[T Text](s T) bool { return len(s) == 11 && s[0] == '1' && digits(s) }

func isIDCard[T Text](s T) bool {
	switch len(s) {
	case 15:
		return digits(s)
	case 18:
		return digits(s[:17]) && s[17] == checkDigit(s[:17])
	}
	return false
}

// checkDigit is the last one of an ID card number: ISO 7064, MOD 11-2.
func checkDigit[T Text](digits T) byte {
	sum := 0
	for i, weight := range [...]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(digits[i]-'0')
	}
	return "10X98765432"[sum%11]
}

func digits[T Text](s T) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// findPhone removes the country code.
func findPhone(text []rune) []rune {
	number := compact(text)
	for _, code := range []string{"+86", "(+86)", "0086", "86"} {
		if hasPrefix(number, code) && len(number) == len(code)+11 {
			return number[len(code):]
		}
	}
	return number
}

// findIDCard makes a last x a capital letter.
func findIDCard(text []rune) []rune {
	number := compact(text)
	if last := len(number) - 1; last >= 0 && number[last] == 'x' {
		number[last] = 'X'
	}
	return number
}

// hasPrefix reports whether a text begins with a prefix of ASCII.
func hasPrefix(text []rune, prefix string) bool {
	for i, r := range prefix {
		if i >= len(text) || text[i] != r {
			return false
		}
	}
	return true
}
