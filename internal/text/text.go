// Package text checks what people and upstreams send as text, and hides
// numbers and known values in it, however they are spelled.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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

// Token reports whether s is 1 to maxBytes ASCII letters, digits, dots, dashes and
// underscores.
func Token(s string, maxBytes int) bool {
	for i := range len(s) {
		if !isASCIILetter(s[i]) && !isDigit(s[i]) && s[i] != '.' && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxBytes
}

// Word reports whether s is 1 to maxBytes ASCII letters and underscores.
func Word(s string, maxBytes int) bool {
	return Token(s, maxBytes) && !strings.ContainsAny(s, "0123456789.-")
}

// CountDigits returns how many ASCII digits s has.
func CountDigits(s string) (n int) {
	for i := range len(s) {
		if isDigit(s[i]) {
			n++
		}
	}
	return n
}

// Printable reports whether s is valid UTF-8 without control characters.
func Printable(s string) bool {
	if isPlainASCII(s) {
		return true
	}
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

// PrintableBytes is Printable for bytes, of which it makes no copy: they may be a secret.
func PrintableBytes(b []byte) bool {
	if isPlainASCII(b) {
		return true
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) {
			return false
		}
		b = b[size:]
	}
	return true
}

// isPlainASCII reports whether s has printable ASCII only, as nearly all words have.
func isPlainASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
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
