package text

import (
	"unicode"
	"unicode/utf8"
)

// class is what a character counts as when a text is searched.
type class uint8

const (
	separator class = iota // ignored between the others: spaces, punctuation, marks, symbols
	letter
	figure  // a digit, or a sign that stands for a number
	numeral // the same in Chinese: it may also be part of a word
)

// isNumber reports whether a character is part of a number.
func (c class) isNumber() bool { return c >= figure }

// numerals are characters for digits that are not in unicode.Nd, by the digit.
// The rest of unicode.No and unicode.Nl are numerals of no certain value.
var numerals = func() map[rune]byte {
	all := make(map[rune]byte)
	for digit, characters := range [...]string{
		"〇零⁰₀⓪⓿🄋🄌🄀🄁",
		"一壹弌幺¹₁①⑴⒈❶➀➊⓵㈠㊀〡🄂Ⅰⅰ",
		"二贰貳弍两兩²₂②⑵⒉❷➁➋⓶㈡㊁〢🄃Ⅱⅱ",
		"三叁參弎³₃③⑶⒊❸➂➌⓷㈢㊂〣🄄Ⅲⅲ",
		"四肆⁴₄④⑷⒋❹➃➍⓸㈣㊃〤🄅Ⅳⅳ",
		"五伍⁵₅⑤⑸⒌❺➄➎⓹㈤㊄〥🄆Ⅴⅴ",
		"六陆陸⁶₆⑥⑹⒍❻➅➏⓺㈥㊅〦🄇Ⅵⅵ",
		"七柒⁷₇⑦⑺⒎❼➆➐⓻㈦㊆〧🄈Ⅶⅶ",
		"八捌⁸₈⑧⑻⒏❽➇➑⓼㈧㊇〨🄉Ⅷⅷ",
		"九玖⁹₉⑨⑼⒐❾➈➒⓽㈨㊈〩🄊Ⅸⅸ",
	} {
		for _, r := range characters {
			all[r] = '0' + byte(digit)
		}
	}
	return all
}()

// units are the words of Chinese numbers that are not digits: 二十四万六千.
const units = "十拾百佰千仟万萬亿億廿卅"

// The block of Unicode that has nearly all Chinese characters.
const hanFirst, hanLast = '\u4e00', '\u9fff'

// unit is a unit in han.
const unit = 'u'

// han has what each character of the block stands for: a digit, a unit, or 0. It
// is looked at for nearly every character.
var han = func() (all [hanLast - hanFirst + 1]byte) {
	for r, digit := range numerals {
		if isHan(r) {
			all[r-hanFirst] = digit
		}
	}
	for _, r := range units {
		all[r-hanFirst] = unit
	}
	return all
}()

func isHan(r rune) bool  { return hanFirst <= r && r <= hanLast }
func isUnit(r rune) bool { return isHan(r) && han[r-hanFirst] == unit }

// alphabets are the blocks of letters that look like ASCII ones, in the order
// of the alphabet.
var alphabets = []struct{ first, last, a rune }{
	{'ⓐ', 'ⓩ', 'a'},
	{'Ⓐ', 'Ⓩ', 'a'},
	{'⒜', '⒵', 'a'},
	{'🄐', '🄩', 'a'},
	{'🄰', '🅉', 'a'},
	{'🅐', '🅩', 'a'},
	{'🅰', '🆉', 'a'},
}

// mathLetters are blocks of 52 letters, capital and small ones in turn. Those
// that Unicode has elsewhere are in lettersElsewhere.
const mathFirst, mathLast = 0x1D400, 0x1D6A3

var lettersElsewhere = map[rune]byte{
	'ℂ': 'c', 'ℊ': 'g', 'ℋ': 'h', 'ℌ': 'h', 'ℍ': 'h', 'ℎ': 'h', 'ℐ': 'i', 'ℑ': 'i', 'ℒ': 'l', 'ℓ': 'l', 'ℕ': 'n', 'ℙ': 'p',
	'ℚ': 'q', 'ℛ': 'r', 'ℜ': 'r', 'ℝ': 'r', 'ℤ': 'z', 'ℨ': 'z', 'ℬ': 'b', 'ℭ': 'c', 'ℯ': 'e', 'ℰ': 'e', 'ℱ': 'f', 'ℳ': 'm',
	'ℴ': 'o', 'ℹ': 'i', 'ⅅ': 'd', 'ⅆ': 'd', 'ⅇ': 'e', 'ⅈ': 'i', 'ⅉ': 'j', 'ª': 'a', 'º': 'o', '\u212a': 'k', 'ſ': 's',
}

// appendFold appends what a character is compared as: a digit for a character
// that stands for one, a small letter for a letter, and nothing for the rest.
func appendFold(dst []byte, r rune) ([]byte, class) {
	if r < utf8.RuneSelf {
		switch {
		case '0' <= r && r <= '9':
			return append(dst, byte(r)), figure
		case 'a' <= r && r <= 'z':
			return append(dst, byte(r)), letter
		case 'A' <= r && r <= 'Z':
			return append(dst, byte(r)+'a'-'A'), letter
		}
		return dst, separator
	}
	return appendFoldWide(dst, r)
}

func appendFoldWide(dst []byte, r rune) ([]byte, class) {
	switch {
	case isHan(r):
		switch digit := han[r-hanFirst]; digit {
		case 0:
			return utf8.AppendRune(dst, r), letter
		case unit:
			return utf8.AppendRune(dst, r), numeral
		default:
			return append(dst, digit), numeral
		}
	case '！' <= r && r <= '～':
		return appendFold(dst, r-'！'+'!')
	case '\u3000' <= r && r <= '\u3004': // punctuation
		return dst, separator
	}
	return appendFoldRare(dst, r)
}

func appendFoldRare(dst []byte, r rune) ([]byte, class) {
	if digit, ok := numerals[r]; ok {
		if r == '〇' {
			return append(dst, digit), numeral
		}
		return append(dst, digit), figure
	}
	if digit, ok := decimal(r); ok {
		return append(dst, digit), figure
	}
	if small, ok := latin(r); ok {
		return append(dst, small), letter
	}
	if same := compatible()[r]; same != "" {
		return appendCompatible(dst, same)
	}
	switch {
	case unicode.IsNumber(r):
		return utf8.AppendRune(dst, r), figure
	case r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0': // letters that are not seen
		return dst, separator
	case unicode.IsLetter(r):
		return utf8.AppendRune(dst, unicode.ToLower(r)), letter
	}
	return dst, separator
}

// decimal returns the digit that a character of unicode.Nd stands for. Each of
// its ranges is one or more times the ten digits in their order.
func decimal(r rune) (byte, bool) {
	if r <= 0xFFFF {
		for _, block := range unicode.Nd.R16 {
			if r <= rune(block.Hi) {
				return '0' + byte((r-rune(block.Lo))%10), r >= rune(block.Lo)
			}
		}
		return 0, false
	}
	for _, block := range unicode.Nd.R32 {
		if r <= rune(block.Hi) {
			return '0' + byte((r-rune(block.Lo))%10), r >= rune(block.Lo)
		}
	}
	return 0, false
}

// latin returns the small ASCII letter that a character looks like.
func latin(r rune) (byte, bool) {
	if small, ok := lettersElsewhere[r]; ok {
		return small, true
	}
	if mathFirst <= r && r <= mathLast {
		return 'a' + byte((r-mathFirst)%26), true
	}
	for _, block := range alphabets {
		if block.first <= r && r <= block.last {
			return byte(block.a + r - block.first), true
		}
	}
	return 0, false
}

// invisible reports whether a character is neither shown nor stored: control
// and format characters, variation selectors, and those for private use.
func invisible(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return r < ' ' || r == 0x7f
	case '\u3000' <= r && r <= '\u303f', isHan(r), '！' <= r && r <= '～': // nearly all of a Chinese text
		return false
	}
	return unicode.In(r, unicode.C, unicode.Variation_Selector)
}
