package juxinli

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// The types for values that upstream writes in several ways. UnmarshalJSON of each
// replaces the earlier value, so the last of a repeated key counts. encoding/json
// matches keys without regard to case.

// boolean is a bool that may be a string, or absent.
type boolean int8

const (
	boolAbsent boolean = iota
	boolFalse
	boolTrue
)

// UnmarshalJSON takes true, false, "true", "False" …; anything else is absent.
func (b *boolean) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(strings.Trim(string(raw), `" `)) {
	case "true":
		*b = boolTrue
	case "false":
		*b = boolFalse
	default:
		*b = boolAbsent
	}
	return nil
}

// text is a string that may be null or a number.
type text string

// UnmarshalJSON takes a string, or the digits of a number; anything else is empty.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(raw, &s) == nil:
		*t = text(s)
	case json.Unmarshal(raw, &n) == nil:
		*t = text(n)
	}
	return nil
}

// invalidWord replaces an invalid number or word. It equals no known one, and
// keeps upstream's text out of histories and logs.
const invalidWord = "?"

// number is an integer in decimal digits, empty if absent, or invalidWord.
type number string

// UnmarshalJSON takes 10002, 10002.0, 1.0002e4, "10002", " 10002 " and, as
// absent, null, "" and "null".
func (n *number) UnmarshalJSON(raw []byte) error {
	s := string(raw)
	quoted := raw[0] == '"'
	if quoted {
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		s = strings.TrimSpace(s)
	}
	if s == "" || s == "null" {
		*n = ""
		return nil
	}
	digits, ok := integer(s)
	if !ok || quoted && digits != s {
		digits = invalidWord
	}
	*n = number(digits)
	return nil
}

// maxDigits bounds an integer: longer than any code, shorter than any phone number.
const maxDigits = 9

// integer returns the value of a JSON number in plain digits. It is exact: 10008.5
// and 1e-400 are not integers, nor is a number that float64 would round to one.
func integer(s string) (string, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || max(shift, -shift) > 32 { // no code, and long to write out
			return "", false
		}
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimRight(whole+fraction, "0")
	if len(digits) > 64 || strings.Trim(digits, "0123456789") != "" || whole == "" {
		return "", false
	}
	point := len(whole) + shift // where the fraction begins
	if len(digits) > max(point, 0) {
		return "", false
	}
	digits = strings.TrimLeft(digits+strings.Repeat("0", max(0, point-len(digits))), "0")
	switch {
	case digits == "":
		return "0", true
	case len(digits) > maxDigits:
		return "", false
	case negative:
		return "-" + digits, true
	}
	return digits, true
}

// word is one of the API's words, for instance CONTROL or SUBMIT_CAPTCHA, empty if
// absent, or invalidWord.
type word string

const maxWord = 40

// UnmarshalJSON takes letters and underscores.
func (w *word) UnmarshalJSON(raw []byte) error {
	var s text
	_ = s.UnmarshalJSON(raw)
	*w = word(strings.TrimSpace(string(s)))
	letter := func(r rune) bool { return r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }
	if len(*w) > maxWord || strings.TrimFunc(string(*w), letter) != "" {
		*w = invalidWord
	}
	return nil
}

// optional is an object that may be absent.
type optional[T any] struct {
	value   T
	present bool
}

// UnmarshalJSON takes an object; an empty value is absent, and anything else an
// error.
func (o *optional[T]) UnmarshalJSON(raw []byte) error {
	*o = optional[T]{}
	if isEmpty(raw) {
		return nil
	}
	o.present = true
	return json.Unmarshal(raw, &o.value)
}

// isEmpty reports whether a value is null, "", {} or [].
func isEmpty(raw []byte) bool {
	switch string(bytes.Join(bytes.Fields(raw), nil)) {
	case "", "null", `""`, "{}", "[]":
		return true
	}
	return false
}
