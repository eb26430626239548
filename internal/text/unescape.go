package text

import (
	"bytes"
	"html"
	"strconv"
	"unicode/utf8"
)

// unescape decodes once what a text has of the escapes of HTML, URLs and
// programming languages: &#49; %31 %u0031 \x31 \u0031 \u{31}. changed is false
// where there is none.
func unescape(text []byte) (plain []byte, changed bool) {
	if !bytes.ContainsAny(text, `&%\`) {
		return text, false
	}
	plain = []byte(html.UnescapeString(string(text)))
	if bytes.ContainsAny(plain, `%\`) {
		plain = decodeEscapes(plain)
	}
	return plain, !bytes.Equal(plain, text)
}

func decodeEscapes(text []byte) []byte {
	plain := make([]byte, 0, len(text))
	for len(text) > 0 {
		if text[0] == '%' || text[0] == '\\' {
			if decoded, size := escape(text); size > 0 {
				plain, text = append(plain, decoded...), text[size:]
				continue
			}
		}
		plain, text = append(plain, text[0]), text[1:]
	}
	return plain
}

// escape decodes the escape that a text begins with. size is that of the escape;
// 0 where there is none.
func escape(text []byte) (decoded []byte, size int) {
	if text[0] == '%' && (len(text) < 2 || text[1] != 'u') {
		if n, ok := hexNumber(text, 1, 3); ok {
			return []byte{byte(n)}, 3
		}
		return nil, 0
	}
	if len(text) < 2 {
		return nil, 0
	}
	switch text[1] {
	case 'x':
		if n, ok := hexNumber(text, 2, 4); ok {
			return []byte{byte(n)}, 4
		}
	case 'u':
		if end := bytes.IndexByte(text, '}'); len(text) > 2 && text[2] == '{' && 3 < end && end < 12 {
			if n, ok := hexNumber(text, 3, end); ok {
				return utf8.AppendRune(nil, n), end + 1
			}
		}
		if n, ok := hexNumber(text, 2, 6); ok {
			return utf8.AppendRune(nil, n), 6
		}
	case 'U':
		if n, ok := hexNumber(text, 2, 10); ok {
			return utf8.AppendRune(nil, n), 10
		}
	}
	return nil, 0
}

func hexNumber(text []byte, from, to int) (rune, bool) {
	if len(text) < to {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[from:to]), 16, 31)
	return rune(n), err == nil
}
