package juxinli

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// The kinds of value that upstream writes in more than one way. Each replaces
// what it held before, so that of a repeated key the last counts. Names of
// keys are matched as encoding/json matches them, without regard to case.

// boolean is a bool that may come as a string, or not at all.
type boolean int8

const (
	notTold boolean = iota
	toldNot
	told
)

// UnmarshalJSON takes true, false, "true", "False" …; anything else is not told.
func (b *boolean) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(strings.Trim(string(raw), `" `)) {
	case "true":
		*b = told
	case "false":
		*b = toldNot
	default:
		*b = notTold
	}
	return nil
}

// text is a string that may come as null or as a number.
type text string

// UnmarshalJSON takes a string, or a number as it is written; anything else is empty.
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

// strange stands for a number or a word that is none. It equals none that is
// known, and repeats nothing of what came: these end up in histories and logs.
const strange = "?"

// number is an integer in decimal digits, or empty where none came, or strange.
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
		digits = strange
	}
	*n = number(digits)
	return nil
}

// maxDigits is how long an integer may be: longer than any code, shorter than
// any phone number.
const maxDigits = 9

// integer is the value of a JSON number in plain digits. It is exact: 10008.5
// and 1e-400 are no integers, and neither is what float64 would round to one.
func integer(s string) (string, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || max(shift, -shift) > 32 { // more is no code, and much to write out
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

// word is one of the API's words, CONTROL or SUBMIT_CAPTCHA for instance, or
// empty where none came, or strange.
type word string

// maxWord is how long a word may be.
const maxWord = 40

// UnmarshalJSON takes letters and underscores.
func (w *word) UnmarshalJSON(raw []byte) error {
	var s text
	_ = s.UnmarshalJSON(raw)
	*w = word(strings.TrimSpace(string(s)))
	letter := func(r rune) bool { return r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }
	if len(*w) > maxWord || strings.TrimFunc(string(*w), letter) != "" {
		*w = strange
	}
	return nil
}

// optional is an object that may be absent.
type optional[T any] struct {
	value T
	there bool
}

// UnmarshalJSON takes an object, and as absent what blank does. Anything else
// is an error.
func (o *optional[T]) UnmarshalJSON(raw []byte) error {
	*o = optional[T]{}
	if blank(raw) {
		return nil
	}
	o.there = true
	return json.Unmarshal(raw, &o.value)
}

// blank tells whether a value is as good as absent: null, "", {} or [].
func blank(raw []byte) bool {
	switch string(bytes.Join(bytes.Fields(raw), nil)) {
	case "", "null", `""`, "{}", "[]":
		return true
	}
	return false
}
