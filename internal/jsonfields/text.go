package jsonfields

import (
	"strings"
	"unicode/utf8"
)

// literal writes one byte, or reads it: it must come next.
func (f *Fields) literal(c byte) {
	switch {
	case !f.reading:
		f.text = append(f.text, c)
	case f.next() == c:
		f.at++
	default:
		f.failed = true
	}
}

// next is the byte to be read next. At the end of the text it is 0, which
// stands nowhere in such an object.
func (f *Fields) next() byte {
	if f.at < len(f.text) {
		return f.text[f.at]
	}
	return 0
}

// comma separates a member or an element from the one before it.
func (f *Fields) comma() {
	if last := f.text[len(f.text)-1]; last != '{' && last != '[' {
		f.text = append(f.text, ',')
	}
}

// more reports whether another element is to be read, and reads the comma
// before it.
func (f *Fields) more(open, shut byte) bool {
	if f.failed || f.next() == shut {
		return false
	}
	if f.text[f.at-1] != open {
		f.literal(',')
	}
	return !f.failed
}

// readName reads the name of the next member, if it is this one.
func (f *Fields) readName(name string) bool {
	if f.failed {
		return false
	}
	at := f.at
	if f.text[at-1] != '{' {
		if f.next() != ',' {
			return false
		}
		at++
	}
	end := at + len(name) + len(`"":`)
	if end > len(f.text) || f.text[at] != '"' || string(f.text[at+1:end-2]) != name || f.text[end-2] != '"' || f.text[end-1] != ':' {
		return false
	}
	f.at = end
	return true
}

// quote writes a string that needs no escapes.
func (f *Fields) quote(s string) {
	f.text = append(append(append(f.text, '"'), s...), '"')
	f.failed = f.failed || !needsNoEscape(s)
}

// The bytes that encoding/json escapes, and those of multi-byte characters.
const (
	escaped = 1 << iota
	multibyte
)

var byteKinds = func() (kinds [256]byte) {
	for c := range kinds {
		switch {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			kinds[c] = escaped
		case c >= utf8.RuneSelf:
			kinds[c] = multibyte
		}
	}
	return kinds
}()

// needsNoEscape reports whether encoding/json writes s unchanged.
func needsNoEscape(s string) bool {
	found := byte(0)
	for i := range len(s) {
		found |= byteKinds[s[i]]
	}
	if found == multibyte {
		return utf8.ValidString(s) && !strings.Contains(s, "\u2028") && !strings.Contains(s, "\u2029")
	}
	return found == 0
}

// quoted reads a string without escapes. The result is part of the text.
func (f *Fields) quoted() []byte {
	f.literal('"')
	if f.failed {
		return nil
	}
	begin, all := f.at, byte(0)
	for ; f.at < len(f.text); f.at++ {
		c := f.text[f.at]
		if c == '"' {
			break
		}
		if c < ' ' || c == '\\' {
			f.failed = true
			return nil
		}
		all |= c
	}
	value := f.text[begin:f.at]
	f.literal('"')
	f.failed = f.failed || all >= utf8.RuneSelf && !utf8.Valid(value)
	return value
}

// word reads a string, from intern if it is there.
func (f *Fields) word() string {
	quoted := f.quoted()
	if word, ok := f.intern[string(quoted)]; ok {
		return word
	}
	return string(quoted)
}

// number reads a whole number of at most 18 digits.
func (f *Fields) number() (n int64) {
	begin, minus := f.at, f.next() == '-'
	if minus {
		begin, f.at = begin+1, f.at+1
	}
	for c := f.next(); c >= '0' && c <= '9'; c = f.next() {
		n = 10*n + int64(c-'0')
		f.at++
	}
	if digits := f.at - begin; digits == 0 || digits > 18 || digits > 1 && f.text[begin] == '0' {
		f.failed = true
	}
	if minus {
		return -n
	}
	return n
}
