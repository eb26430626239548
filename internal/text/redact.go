package text

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Hidden stands in a text where something was removed.
const Hidden = "****"

const (
	// longNumber is how many digits a number has that is not shown.
	longNumber = 4
	// longWord is the size of a word that is not shown if it has a digit: a token,
	// a hash, something encoded.
	longWord = 16
	// maxRounds is how often a text is redacted until nothing changes.
	maxRounds = 8
	// idCard is from how many digits on an X that follows belongs to the number.
	idCard = 11
)

// publicNumbers are shown: those that a person has to call or to text.
var publicNumbers = []string{
	"10000", "10001", "10010", "10011", "10015", "10016", "10086", "10088", "10099", // operators
	"12300", "12315", "12321", "12580",
}

// Redact makes a text fit to be stored and shown. It decodes escapes, drops
// what is invisible or invalid, and replaces by Hidden
//
//   - the values, also where they are spelled with other characters of Unicode for
//     the same letters and digits, in small or capital letters, with separators,
//     backwards, in base64 or hexadecimal; a number also where words are between
//     its digits;
//   - every number of four digits or more, whatever the digits are written with
//     and the separators between them, but for public numbers;
//   - words of sixteen letters or more with a digit.
//
// Then it cuts the text at maxBytes. A nil v has no values. What it returns is not
// changed if it is redacted again.
func Redact[T string | []byte](text T, v *Values, maxBytes int) string {
	if len(text) == 0 {
		return ""
	}
	redacted, changed := redactOnce(text, v, maxBytes)
	for range maxRounds { // the rest of a public number or of an encoded word is looked at anew
		if !changed {
			return redacted
		}
		redacted, changed = redactOnce(redacted, nil, maxBytes)
	}
	if changed {
		return Truncate(Hidden, maxBytes)
	}
	return redacted
}

// redactOnce reports whether it hid or cut something.
func redactOnce[T string | []byte](text T, v *Values, maxBytes int) (redacted string, changed bool) {
	s := newScan(text)
	defer s.release()
	if s.undecodable {
		return Truncate(Hidden, maxBytes), false
	}
	if v != nil {
		v.search(s, &finder{hide: s})
	}
	s.hideNumbers()
	s.hideWords()
	s.hideEncodedNumbers()
	return s.text(maxBytes), len(s.hidden) > 0 || len(s.shown.text) > maxBytes
}

// hide marks a value that was found.
func (s *scan) hide(in *part, from, to int) {
	switch in {
	case &s.shown:
		s.mark(from, to)
	case &s.folded:
		s.mark(int(in.at[from].from), int(in.at[to-1].to))
	default: // not the words between the digits
		for _, at := range in.at[from:to] {
			s.mark(int(at.from), int(at.to))
		}
	}
}

// mark hides a part of shown.
func (s *scan) mark(from, to int) {
	if len(s.hidden) == 0 {
		s.hidden = slices.Grow(s.hidden, len(s.shown.text))[:len(s.shown.text)]
		clear(s.hidden)
	}
	for i := from; i < to; i++ {
		s.hidden[i] = true
	}
}

// hideNumbers hides long numbers: those with nothing but separators in them.
func (s *scan) hideNumbers() {
	if !s.number {
		return
	}
	at := s.folded.at
	for from := 0; from < len(at); from++ {
		to := from
		for to < len(at) && at[to].class.isNumber() {
			to++
		}
		n := s.count(from, to)
		if n >= idCard && to < len(at) && s.folded.text[to] == 'x' && at[to].from == at[to-1].to {
			to++
		}
		if n >= longNumber {
			s.mark(int(at[from].from), int(at[to-1].to))
		}
		from = max(from, to-1)
	}
}

// count counts the digits of a number, but for the public numbers that stand
// alone in it.
func (s *scan) count(from, to int) (n int) {
	at := s.folded.at
	for from < to {
		end := from + 1
		for end < to && at[end].from <= at[end-1].to {
			end++
		}
		if !slices.Contains(publicNumbers, string(s.folded.text[from:end])) {
			n += s.countDigits(from, end)
		}
		from = end
	}
	return n
}

// countDigits counts a character for a number of more than one digit as two.
func (s *scan) countDigits(from, to int) (n int) {
	for i := from; i < to; {
		r, size := utf8.DecodeRune(s.folded.text[i:to])
		n, i = n+1, i+size
		if size > 1 && !isUnit(r) {
			n++
		}
	}
	return n
}

// hideWords hides long words with a digit.
func (s *scan) hideWords() {
	if s.longest < longWord {
		return
	}
	shown := s.shown.text
	from, digit := 0, false
	for to := 0; to <= len(shown); to++ {
		if to < len(shown) && (isDigit(shown[to]) || isASCIILetter(shown[to])) {
			digit = digit || isDigit(shown[to])
			continue
		}
		if digit && to-from >= longWord {
			s.mark(from, to)
		}
		from, digit = to+1, false
	}
}

// hideEncodedNumbers hides words that are the code of a text with a long number.
func (s *scan) hideEncodedNumbers() {
	for _, c := range s.codes() {
		for plain := range s.plains(c) {
			if isText(plain) && hasNumber(plain) {
				s.mark(c.from, c.to)
			}
		}
	}
}

// isText reports whether something decoded is a text, and not what any word
// would be if it were decoded.
func isText(plain []byte) bool { return Printable(string(plain)) }

// hasNumber reports whether a text has the digits of a long number.
func hasNumber(text []byte) bool {
	run := 0
	for _, b := range text {
		if run++; !isDigit(b) {
			run = 0
		}
		if run == longNumber {
			return true
		}
	}
	return false
}

func isASCIILetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

// text is what is shown, with Hidden for each hidden part.
func (s *scan) text(maxBytes int) string {
	if len(s.hidden) == 0 {
		return Truncate(string(s.shown.text[:min(len(s.shown.text), maxBytes+1)]), maxBytes)
	}
	var out bytes.Buffer
	for i, b := range s.shown.text {
		switch {
		case !s.hidden[i]:
			out.WriteByte(b)
		case i == 0 || !s.hidden[i-1]:
			out.WriteString(Hidden)
		}
	}
	return Truncate(out.String(), maxBytes)
}
