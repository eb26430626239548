package typed

import (
	"slices"
	"strings"
	"unicode"
)

// findCode returns the digits of a text that has nothing but digits, spaces and
// hyphens, or else the one number in a message that can be a code; nil if there is
// none.
func findCode(text []rune) []rune {
	if !slices.ContainsFunc(text, func(r rune) bool { return !isDigit(r) && !isSeparator(r) }) {
		return compact(text)
	}
	if !isMessage(text) {
		return nil
	}
	var code []rune
	for start := 0; start < len(text); {
		end := endOfRun(text, start)
		if end > start && isGroup(text[end:]) {
			return nil
		}
		if n := end - start; n >= shortestCode && n <= longestCode {
			if code != nil || !standsAlone(text[:start], text[end:]) || isService(text[start:end]) {
				return nil
			}
			code = text[start:end]
		}
		start = max(end, start+1)
	}
	return code
}

// endOfRun returns the end of the digits that begin at start.
func endOfRun(text []rune, start int) (end int) {
	for end = start; end < len(text) && isDigit(text[end]); end++ {
	}
	return end
}

// isGroup reports whether the digits before a text are one group of several, like the
// 12 of 12 34: the groups may be the code.
func isGroup(text []rune) bool {
	next := skip(text, func(r rune) bool { return isSpace(r) || r == hyphen })
	return startsWithDigit(next)
}

// lookalikes are the letters that a person may have typed for a digit.
const lookalikes = "OoQDIilLZzSsBbGgqT"

// decoration is what may be around a code that is not in a message.
const decoration = "()[]{}<>\"'【】「」『』《》〈〉“”‘’。.,;:"

// isMessage reports whether a text is a message or a decorated code: if it has
// letters, they are those of words. A text whose letters all look like digits may be
// a code with a mistake in it, and so may one with other characters.
func isMessage(text []rune) bool {
	letters, decorated := false, true
	for _, r := range text {
		if unicode.Is(unicode.Han, r) && !isNumeral(r) || r <= unicode.MaxASCII && unicode.IsLetter(r) && !strings.ContainsRune(lookalikes, r) {
			return true
		}
		letters = letters || unicode.IsLetter(r)
		decorated = decorated && (isDigit(r) || isSpace(r) || strings.ContainsRune(decoration, r))
	}
	return !letters && decorated
}

// isService reports whether a number is a service number of an operator: 10000,
// 10001, 10010, 10086, 1008611 …
func isService(number []rune) bool {
	return len(number) == 5 && hasPrefix(number, "100") || hasPrefix(number, "10086")
}

// The punctuation that may stand directly before and directly after a code.
const (
	before = ":,;!?([{<\"'。【「『《〈“‘"
	after  = ".,;!?)]}>\"'。】」』》〉”’、([{【"
)

// standsAlone reports whether the number between two parts of a message is a number
// of its own.
func standsAlone(left, right []rune) bool {
	reversed := slices.Clone(left)
	defer clear(reversed)
	slices.Reverse(reversed)
	return delimits(reversed, before, "号") && !startsWithDigit(skip(reversed, isMark)) && !namesOther(reversed) &&
		delimits(right, after, "年月日元号小时分秒天") && !continues(right)
}

// namesOther reports whether the words before a number, read backwards, say that it is
// no code: the last digits of another number (尾号为, 后四位, 尾数) or an amount (余额:, 话费).
func namesOther(reversed []rune) bool {
	name := skip(reversed, func(r rune) bool { return isSpace(r) || strings.ContainsRune(":为是", r) })
	return len(name) > 0 && strings.ContainsRune("号位尾额费", name[0]) || len(name) > 1 && name[0] == '数' && name[1] == '尾'
}

// delimits reports whether the beginning of a text, which is what is next to a number,
// can't be a part of that number or say what else it is: the end of the text, a
// Chinese character, a word after a space, or punctuation. Behind the punctuation
// may be anything but characters that count.
func delimits(text []rune, punctuation, names string) bool {
	next := skip(text, isSpace)
	if len(next) == 0 {
		return true
	}
	marked := strings.ContainsRune(punctuation, next[0])
	if marked {
		next = skip(next, isMark)
	}
	switch {
	case len(next) == 0:
		return true
	case strings.ContainsRune(names, next[0]):
		return false
	case marked:
		return !unicode.In(next[0], unicode.Nl, unicode.No, unicode.M)
	case unicode.Is(unicode.Han, next[0]):
		return !isNumeral(next[0])
	}
	spaced := len(next) < len(text)
	return spaced && len(next) > 1 && unicode.IsLetter(next[0]) && unicode.IsLetter(next[1])
}

// continues reports whether the number goes on behind punctuation: the next thing is
// a number, and not a small one with a unit, like the minutes for which a code is
// valid.
func continues(right []rune) bool {
	if len(right) > 1 && right[0] == '.' && isDigit(right[1]) {
		return true
	}
	next := skip(right, isMark)
	n := endOfRun(next, 0)
	unit := skip(next[n:], isSpace)
	return n > 3 || n > 0 && (len(unit) == 0 || !unicode.IsLetter(unit[0]))
}

func startsWithDigit(text []rune) bool { return len(text) > 0 && isDigit(text[0]) }

func isMark(r rune) bool { return isSpace(r) || unicode.IsPunct(r) }

// numerals are the Chinese numerals.
const numerals = "零〇一二三四五六七八九十百千万两廿壹贰叁肆伍陆柒捌玖拾佰仟幺"

func isNumeral(r rune) bool { return strings.ContainsRune(numerals, r) }

// skip returns a text without the characters at its beginning for which is returns
// true.
func skip(text []rune, is func(rune) bool) []rune {
	for len(text) > 0 && is(text[0]) {
		text = text[1:]
	}
	return text
}
