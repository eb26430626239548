// Package text checks what people and upstreams send as text, and hides
// numbers in it.
package text

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden stands in a text where a value was removed.
const Hidden = "****"

// Digits reports whether s consists of ASCII digits only. It is true for "".
func Digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// PhoneNumber reports whether s is a mobile number of eleven digits.
func PhoneNumber(s string) bool { return len(s) == 11 && s[0] == '1' && Digits(s) }

// PlainName reports whether s is printable ASCII without spaces, and not empty.
func PlainName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// Website reports whether s is upstream's name of a source: 1 to 128 letters,
// digits, dots, dashes and underscores of ASCII.
func Website(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

// Printable reports whether s is valid UTF-8 without control characters.
func Printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// MaskNumber shows the first three and the last four digits of a number:
// "138****8000". It hides a number of fewer than eight digits, and anything
// else, completely.
func MaskNumber(number string) string {
	switch {
	case number == "":
		return ""
	case len(number) < 8 || !Digits(number):
		return Hidden
	}
	return number[:3] + Hidden + number[len(number)-4:]
}

// longNumber matches what is long enough to be a phone or ID card number.
var longNumber = regexp.MustCompile(`[0-9]{11,}[Xx]?`)

// hasLongNumber reports whether longNumber would match.
func hasLongNumber(text string) bool {
	run := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			run = 0
		} else if run++; run == 11 {
			return true
		}
	}
	return false
}

// Redact makes a text fit to be stored and shown: it replaces the given
// values, hides every other number of eleven digits or more, drops control
// characters and invalid UTF-8, and cuts the text at maxBytes.
func Redact(text string, values []string, maxBytes int) string {
	if text == "" {
		return ""
	}
	text = strings.Map(dropControl, strings.ToValidUTF8(text, ""))
	for _, value := range values {
		text = hide(text, value)
	}
	if hasLongNumber(text) {
		text = longNumber.ReplaceAllString(text, Hidden)
	}
	return Truncate(text, maxBytes)
}

// hide replaces a value in a text of valid UTF-8. A value of invalid UTF-8
// can't be in it.
func hide(text, value string) string {
	if value == "" || !utf8.ValidString(value) {
		return text
	}
	return strings.ReplaceAll(text, value, Hidden)
}

func dropControl(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// Truncate cuts a text to at most n bytes, between characters.
func Truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
