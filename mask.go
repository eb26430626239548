package carrierfsm

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage and maxWord bound upstream's text and its words, in bytes.
const (
	maxMessage = 1024
	maxWord    = 64
)

// maskNumber shows a number's first three and last four digits:
// "138****8000". One of fewer than eight is hidden whole.
func maskNumber(number string) string {
	switch {
	case number == "":
		return ""
	case len(number) < 8 || !digits(number):
		return "****"
	}
	return number[:3] + "****" + number[len(number)-4:]
}

// personalNumber finds what is long enough to be a phone or ID card number.
var personalNumber = regexp.MustCompile(`[0-9]{11,}[Xx]?`)

// longNumber tells whether there is anything that personalNumber would find.
func longNumber(text string) bool {
	run := 0
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			run = 0
		} else if run++; run == 11 {
			return true
		}
	}
	return false
}

// clean makes upstream's text fit to be stored and shown: the hidden values of
// this call are replaced, any other long number is masked, control characters
// and broken UTF-8 are dropped, the length is bounded.
func clean(text string, hidden []string) string {
	if text == "" {
		return ""
	}
	text = strings.Map(dropControl, strings.ToValidUTF8(text, ""))
	for _, value := range hidden {
		text = hide(text, value)
	}
	if longNumber(text) {
		text = personalNumber.ReplaceAllString(text, "****")
	}
	return truncate(text, maxMessage)
}

// hidden are the values of a call to hide, secret and personal, the longest
// first: a short one inside it must not leave the rest readable. They are
// appended to room, which is empty.
func hidden(room []string, secrets []Secret, personal ...string) []string {
	values := room
	for _, value := range personal {
		if value != "" {
			values = append(values, value)
		}
	}
	for _, s := range secrets {
		s.Use(func(value []byte) {
			if len(value) > 0 {
				values = append(values, string(value))
			}
		})
	}
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	return values
}

// cleanSource makes the names of a source fit to be stored. The website has to
// be sent back as it came, so one that repeats a value is refused: ok is false.
// Values without a digit don't count, nor very short ones: an address may be
// "china", and an operator's password is a number.
func cleanSource(s Source, hidden []string) (_ Source, ok bool) {
	for _, value := range hidden {
		if len(value) >= 4 && strings.ContainsAny(value, "0123456789") && strings.Contains(s.Website, value) {
			return Source{}, false
		}
	}
	s.Name = clean(s.Name, hidden)
	return s, true
}

// cleanReply makes all words of a reply fit to be stored. Those that the reply
// table knows stay as they are, whatever the secrets happen to be.
func cleanReply(r Reply, hidden []string) Reply {
	r.Content = clean(r.Content, hidden)
	word := func(known words, s string) string {
		if s == "" || slices.Contains(known, s) {
			return s
		}
		s = truncate(clean(s, hidden), maxWord)
		if s == "" || slices.Contains(known, s) {
			return "****" // an unknown word must not become a known one
		}
		return s
	}
	r.Code = ProcessCode(word(codeWords, string(r.Code)))
	r.Type = word(kindWords, r.Type)
	r.Template = word(tplWords, r.Template)
	return r
}

// hide replaces a value in a text of valid UTF-8; one that is none is not in it.
func hide(text, value string) string {
	if value == "" || !utf8.ValidString(value) {
		return text
	}
	return strings.ReplaceAll(text, value, "****")
}

func dropControl(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// truncate cuts text to at most n bytes, between characters.
func truncate(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
