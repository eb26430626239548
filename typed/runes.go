package typed

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

// The characters to which readable converts others.
const (
	space  = ' '
	line   = '\n'
	hyphen = '-'
)

// readable returns the visible characters of a text: digits, full-width letters and
// punctuation as those of ASCII, white space as space or line, dashes as hyphen. ok
// is false if the text can't be read with certainty.
func readable(text []byte) (visible []rune, ok bool) {
	visible = make([]rune, 0, len(text)) // never grows, so no copy is left behind
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case r == utf8.RuneError && size == 1, reorders(r):
			return visible, false
		case invisible(r):
			continue
		}
		plain := plainOf(r)
		if plain != line && unicode.IsControl(plain) {
			return visible, false
		}
		visible = append(visible, plain)
	}
	return visible, true
}

// plainOf returns the character of ASCII that a character stands for, or itself.
func plainOf(r rune) rune {
	switch {
	case unicode.Is(unicode.Nd, r):
		return '0' + valueOf(r)
	case r >= '！' && r <= '～': // full-width
		r -= '！' - '!'
	}
	switch {
	case r == '\n', r == '\r', r == '\v', r == '\f', r == 0x85, r == 0x2028, r == 0x2029:
		return line
	case unicode.IsSpace(r), r == 0x2800: // the braille character without dots
		return space
	case unicode.Is(unicode.Pd, r), r == 0x2212: // the minus sign
		return hyphen
	}
	return r
}

// valueOf returns the value of a decimal digit. Each script has its ten digits in
// their order, one script after the other.
func valueOf(digit rune) rune {
	for _, table := range unicode.Nd.R16 {
		if digit <= rune(table.Hi) {
			return (digit - rune(table.Lo)) % 10
		}
	}
	for _, table := range unicode.Nd.R32 {
		if digit <= rune(table.Hi) {
			return (digit - rune(table.Lo)) % 10
		}
	}
	return 0
}

// invisible reports whether a character shows nothing.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// reorders reports whether a character makes what follows be displayed from right to
// left: then the person sees other digits than the text has.
func reorders(r rune) bool {
	return r == 0x061C || r == 0x200F || r == 0x202B || r == 0x202E || r == 0x2067
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isSpace(r rune) bool { return r == space || r == line }

func isSeparator(r rune) bool { return r == space || r == hyphen }

// trimSpace returns a text without the white space around it.
func trimSpace(text []rune) []rune {
	for len(text) > 0 && isSpace(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isSpace(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// compact removes the spaces and hyphens of a text, in place.
func compact(text []rune) []rune { return slices.DeleteFunc(text, isSeparator) }
