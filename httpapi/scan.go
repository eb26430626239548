package httpapi

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// eachMember calls f for each member of an object in valid JSON, with its quoted name
// and its value.
func eachMember(doc []byte, f func(name, value []byte) error) error {
	doc = bytes.TrimSpace(doc)
	if doc[0] != '{' {
		return malformed("is no object")
	}
	rest := bytes.TrimSpace(doc[1:])
	for rest[0] != '}' {
		name := rest[:endOfValue(rest)]
		rest = bytes.TrimSpace(bytes.TrimSpace(rest[len(name):])[1:]) // the colon
		value := rest[:endOfValue(rest)]
		if err := f(name, value); err != nil {
			return err
		}
		rest = afterComma(rest[len(value):])
	}
	return nil
}

// eachElement calls f for each element of an array in valid JSON.
func eachElement(doc []byte, f func(value []byte) error) error {
	rest := bytes.TrimSpace(doc[1:])
	for rest[0] != ']' {
		value := rest[:endOfValue(rest)]
		if err := f(value); err != nil {
			return err
		}
		rest = afterComma(rest[len(value):])
	}
	return nil
}

func afterComma(rest []byte) []byte {
	rest = bytes.TrimSpace(rest)
	if rest[0] == ',' {
		rest = bytes.TrimSpace(rest[1:])
	}
	return rest
}

// endOfValue returns the length of the value that valid JSON begins with.
func endOfValue(doc []byte) int {
	depth := 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			for i++; doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1 + depth // a bracket around the value is not part of it
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(doc)
}

// short are the escapes of one letter.
var short = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unquote returns the text of a string in valid JSON. Half of a surrogate pair is an
// error: it is no character, and a password must not be changed.
func unquote(quoted []byte) ([]byte, error) {
	quoted = quoted[1 : len(quoted)-1]
	text := make([]byte, 0, len(quoted))
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			text = append(text, quoted[i])
			continue
		}
		i++
		if quoted[i] != 'u' {
			text = append(text, short[quoted[i]])
			continue
		}
		r := codeUnit(quoted[i+1:])
		i += 4
		if utf16.IsSurrogate(r) {
			second := rune(-1)
			if bytes.HasPrefix(quoted[i+1:], []byte(`\u`)) {
				second = codeUnit(quoted[i+3:])
			}
			if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
				clear(text)
				return nil, malformed("has half a character")
			}
			i += 6
		}
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}

// codeUnit returns the value of four hexadecimal digits.
func codeUnit(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits[:4]), 16, 16)
	if err != nil {
		return -1
	}
	return rune(n)
}

// unescape returns the text of a part of a form. It has at most the length of the part.
func unescape(part []byte) ([]byte, error) {
	text := make([]byte, 0, len(part))
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '+':
			text = append(text, ' ')
		case '%':
			var b [1]byte
			if i+2 >= len(part) {
				return nil, malformed("has a wrong escape")
			}
			if _, err := hex.Decode(b[:], part[i+1:i+3]); err != nil {
				return nil, malformed("has a wrong escape")
			}
			text, i = append(text, b[0]), i+2
		default:
			text = append(text, part[i])
		}
	}
	if !utf8.Valid(text) {
		return nil, malformed("is not UTF-8")
	}
	return text, nil
}
