package carrierfsm

import (
	"strings"
	"unicode/utf8"
)

// The little of JSON that fields are made of.

// literal is one byte that must stand here.
func (f *fields) literal(c byte) {
	switch {
	case !f.reading:
		f.text = append(f.text, c)
	case f.next() == c:
		f.at++
	default:
		f.odd = true
	}
}

// next is the byte to be read next; 0 at the end, which is no JSON either.
func (f *fields) next() byte {
	if f.at < len(f.text) {
		return f.text[f.at]
	}
	return 0
}

// comma stands before a member or an element that is not the first.
func (f *fields) comma() {
	if last := f.text[len(f.text)-1]; last != '{' && last != '[' {
		f.text = append(f.text, ',')
	}
}

// another tells whether an element is to be read, and reads the comma before it.
func (f *fields) another(open, shut byte) bool {
	if f.odd || f.next() == shut {
		return false
	}
	if f.text[f.at-1] != open {
		f.literal(',')
	}
	return !f.odd
}

// sees reads the name of the next member, if it is this.
func (f *fields) sees(name string) bool {
	if f.odd {
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

// quote writes a string that needs no escape.
func (f *fields) quote(s string) {
	f.text = append(append(append(f.text, '"'), s...), '"')
	f.odd = f.odd || !plainText(s)
}

// escaped are the bytes that encoding/json does not write as they are, and
// wide those that are part of a longer character.
const (
	escaped = 1 << iota
	wide
)

var byteKinds = func() (kinds [256]byte) {
	for c := range kinds {
		switch {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			kinds[c] = escaped
		case c >= utf8.RuneSelf:
			kinds[c] = wide
		}
	}
	return kinds
}()

// plainText tells whether encoding/json writes s as it is.
func plainText(s string) bool {
	found := byte(0)
	for i := range len(s) {
		found |= byteKinds[s[i]]
	}
	if found == wide {
		return utf8.ValidString(s) && !strings.Contains(s, "\u2028") && !strings.Contains(s, "\u2029")
	}
	return found == 0
}

// quoted reads a string without escapes; it is part of the text that is read.
func (f *fields) quoted() []byte {
	f.literal('"')
	if f.odd {
		return nil
	}
	begin, all := f.at, byte(0)
	for ; f.at < len(f.text); f.at++ {
		c := f.text[f.at]
		if c == '"' {
			break
		}
		if c < ' ' || c == '\\' {
			f.odd = true
			return nil
		}
		all |= c
	}
	value := f.text[begin:f.at]
	f.literal('"')
	f.odd = f.odd || all >= utf8.RuneSelf && !utf8.Valid(value)
	return value
}

// digits reads a number.
func (f *fields) digits() (n int) {
	begin, minus := f.at, f.next() == '-'
	if minus {
		begin, f.at = begin+1, f.at+1
	}
	for c := f.next(); c >= '0' && c <= '9'; c = f.next() {
		n = 10*n + int(c-'0')
		f.at++
	}
	if long := f.at - begin; long == 0 || long > 18 || long > 1 && f.text[begin] == '0' {
		f.odd = true
	}
	if minus {
		return -n
	}
	return n
}

// known is text as a string, which takes no memory if it is one of our words.
func known(text []byte) string {
	if w, ok := knownWords[string(text)]; ok {
		return w
	}
	return string(text)
}

var knownWords = func() map[string]string {
	all := make(map[string]string)
	for _, list := range []words{callWords, codeWords, tplWords, kindWords, {string(FaultNotSent), string(FaultUnknown), string(InputCancel)}} {
		for _, w := range list {
			all[w] = w
		}
	}
	for k := range answeredBy {
		all[string(k)] = string(k)
	}
	for k := range callOf {
		all[string(k)] = string(k)
	}
	return all
}()
