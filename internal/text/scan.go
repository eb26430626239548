package text

import (
	"encoding/base64"
	"encoding/hex"
	"sync"
	"unicode/utf8"
)

// maxRead bounds how much of a text is read, in bytes.
const maxRead = 16 << 10

// maxPooled bounds the memory of a scan that is used again, in bytes.
const maxPooled = 1 << 10

// scan is a text as it is searched.
type scan struct {
	shown   part   // decoded, without what is invisible
	folded  part   // its letters and numbers: see appendFold
	digits  part   // the digits of folded
	figures part   // the digits of folded that are not Chinese, which may be part of words
	hidden  []bool // for each byte of shown; empty while nothing is hidden

	number      bool // there is a number in it, or a numeral
	ascii       int  // how many ASCII letters and digits are in folded
	longest     int  // how long its longest stretch without other than ASCII is
	undecodable bool // it was encoded too often
	spare       []byte
}

// part is a text that values are compared with.
type part struct {
	text []byte
	at   []span // the character of shown that each byte comes from; nil for shown itself
}

// span is a character of shown.
type span struct {
	from, to int32
	class    class
}

func (p *part) add(b byte, at span) { p.text, p.at = append(p.text, b), append(p.at, at) }
func (p *part) empty()              { p.text, p.at = p.text[:0], p.at[:0] }
func (p *part) clear()              { clear(p.text[:cap(p.text)]) }

var scans = sync.Pool{New: func() any { return new(scan) }}

// newScan reads a text. The caller releases the scan.
func newScan[T string | []byte](text T) *scan {
	s, _ := scans.Get().(*scan)
	s.spare = append(s.spare[:0], text[:min(len(text), maxRead)]...)
	s.read(s.spare)
	return s
}

// release overwrites what was read.
func (s *scan) release() {
	s.shown.clear()
	s.folded.clear()
	s.digits.clear()
	s.figures.clear()
	clear(s.spare[:cap(s.spare)])
	if cap(s.shown.text) <= maxPooled {
		scans.Put(s)
	}
}

func (s *scan) read(text []byte) {
	s.undecodable = !s.show(text)
	s.folded.empty()
	s.digits.empty()
	s.figures.empty()
	s.hidden, s.number, s.ascii, s.longest = s.hidden[:0], false, 0, 0
	var buffer [utf8.UTFMax]byte
	shown, stretch := s.shown.text, 0
	for from := 0; from < len(shown); {
		r, size := utf8.DecodeRune(shown[from:])
		folded, c := appendFold(buffer[:0], r)
		for _, b := range folded {
			s.add(b, span{int32(from), int32(from + size), c})
		}
		s.number = s.number || c.isNumber()
		if stretch++; size > 1 {
			stretch = 0
		}
		s.longest = max(s.longest, stretch)
		from += size
	}
}

func (s *scan) add(b byte, at span) {
	s.folded.add(b, at)
	if b < utf8.RuneSelf {
		s.ascii++
	}
	if isDigit(b) {
		s.digits.add(b, at)
		if at.class == figure {
			s.figures.add(b, at)
		}
	}
}

// show sets shown. It returns false if the text is still encoded after some rounds.
func (s *scan) show(text []byte) bool {
	s.shown.text = appendVisible(s.shown.text[:0], text)
	for range 4 {
		plain, changed := unescape(s.shown.text)
		if !changed {
			return true
		}
		s.shown.text = appendVisible(s.shown.text[:0], plain)
	}
	return false
}

func appendVisible(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if !(r == utf8.RuneError && size == 1) && !invisible(r) {
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	return dst
}

// reverse returns the text with its characters in the reverse order, until the
// next call.
func (s *scan) reverse(text []byte) []byte {
	s.spare = s.spare[:0]
	for len(text) > 0 {
		_, size := utf8.DecodeLastRune(text)
		s.spare = append(s.spare, text[len(text)-size:]...)
		text = text[:len(text)-size]
	}
	return s.spare
}

// decoded calls f for what each word would be if it were base64 or hexadecimal,
// with where it is in shown.
func (s *scan) decoded(f func(from, to int, plain []byte)) {
	shown, folded := s.shown.text, s.folded
	from := 0
	if s.ascii < few {
		return
	}
	for to := 0; to <= len(shown); to++ {
		if to < len(shown) && inBase64(shown[to]) {
			continue
		}
		if to-from >= 6 {
			base64Plain(shown[from:to], func(plain []byte) { f(from, to, plain) })
		}
		from = to + 1
	}
	from = 0
	for to := 0; to <= len(folded.text); to++ { // also 5f:61:7a
		if to < len(folded.text) && inHex(folded.text[to]) {
			continue
		}
		if to-from >= 2*few {
			hexPlain(folded.text[from:to], func(plain []byte) { f(int(folded.at[from].from), int(folded.at[to-1].to), plain) })
		}
		from = to + 1
	}
}

func inBase64(b byte) bool {
	return isDigit(b) || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '+' || b == '/' || b == '-' || b == '_'
}

func inHex(b byte) bool { return isDigit(b) || 'a' <= b && b <= 'f' }

// base64Plain decodes a word from each of the places where the code may begin.
func base64Plain(word []byte, f func([]byte)) {
	standard := make([]byte, len(word))
	for i, b := range word {
		switch b {
		case '-':
			b = '+'
		case '_':
			b = '/'
		}
		standard[i] = b
	}
	plain := make([]byte, len(word))
	defer clear(plain)
	for begin := range min(4, len(standard)) {
		code := standard[begin:]
		if len(code)%4 == 1 {
			code = code[:len(code)-1]
		}
		if n, err := base64.RawStdEncoding.Decode(plain, code); err == nil {
			f(plain[:n])
		}
	}
}

// hexPlain decodes a word from each of the places where the code may begin.
func hexPlain(word []byte, f func([]byte)) {
	plain := make([]byte, len(word)/2)
	defer clear(plain)
	for begin := range 2 {
		code := word[begin:]
		code = code[:len(code)/2*2]
		if n, err := hex.Decode(plain, code); err == nil {
			f(plain[:n])
		}
	}
}
