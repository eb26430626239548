package text

import (
	"encoding/base64"
	"encoding/hex"
	"iter"
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

	bare        bool // the parts have no spans: only what is in them is asked
	chinese     bool // there is a Chinese digit in it
	number      bool // there is a number in it, or a numeral
	ascii       int  // how many ASCII letters and digits are in folded
	longest     int  // how long its longest stretch without other than ASCII is
	undecodable bool // it was encoded too often
	spare       []byte

	words           []code
	plain, standard []byte
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

func (p *part) empty() { p.text, p.at = p.text[:0], p.at[:0] }
func (p *part) clear() { clear(p.text[:cap(p.text)]) }

var scans = sync.Pool{New: func() any { return new(scan) }}

// newScan reads a text. The caller releases the scan.
func newScan[T string | []byte](text T) *scan { return newScanOf(text, false) }

func newScanOf[T string | []byte](text T, bare bool) *scan {
	s, _ := scans.Get().(*scan)
	s.bare = bare
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
	for _, b := range [][]byte{s.spare, s.plain, s.standard} {
		clear(b[:cap(b)])
	}
	if cap(s.shown.text) <= maxPooled {
		scans.Put(s)
	}
}

func (s *scan) read(text []byte) {
	s.undecodable = !s.show(text)
	s.folded.empty()
	s.digits.empty()
	s.figures.empty()
	s.hidden, s.chinese, s.number, s.ascii, s.longest = s.hidden[:0], false, false, 0, 0
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
	if s.chinese && !s.bare {
		s.findFigures()
	}
}

func (s *scan) add(b byte, at span) {
	s.folded.text = append(s.folded.text, b)
	if !s.bare {
		s.folded.at = append(s.folded.at, at)
	}
	if b < utf8.RuneSelf {
		s.ascii++
	}
	if isDigit(b) {
		s.digits.text = append(s.digits.text, b)
		if !s.bare {
			s.digits.at = append(s.digits.at, at)
		}
		s.chinese = s.chinese || at.class == numeral
	}
}

// findFigures sets figures, for a text with Chinese digits.
func (s *scan) findFigures() {
	for i, b := range s.digits.text {
		if at := s.digits.at[i]; at.class == figure {
			s.figures.text, s.figures.at = append(s.figures.text, b), append(s.figures.at, at)
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
		if (r != utf8.RuneError || size > 1) && !invisible(r) {
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

// code is a word that may be the code of something.
type code struct {
	from, to int // in shown
	text     []byte
	hex      bool // else base64
}

// codes returns the words that may be base64 or hexadecimal. They are valid until
// the scan is released.
func (s *scan) codes() []code {
	s.words = s.words[:0]
	if s.ascii < few {
		return nil
	}
	shown, folded := s.shown.text, s.folded
	for from, to := range stretches(shown, inBase64) {
		if to-from >= 6 {
			s.words = append(s.words, code{from, to, shown[from:to], false})
		}
	}
	for from, to := range stretches(folded.text, inHex) { // also 5f:61:7a
		if to-from >= 2*few {
			c := code{text: folded.text[from:to], hex: true}
			if !s.bare {
				c.from, c.to = int(folded.at[from].from), int(folded.at[to-1].to)
			}
			s.words = append(s.words, c)
		}
	}
	return s.words
}

// stretches yields the longest parts of a text whose bytes are all in a set.
func stretches(text []byte, in func(byte) bool) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < len(text); from++ {
			to := from
			for to < len(text) && in(text[to]) {
				to++
			}
			if to > from && !yield(from, to) {
				return
			}
			from = to
		}
	}
}

func inBase64(b byte) bool {
	return isDigit(b) || isASCIILetter(b) || b == '+' || b == '/' || b == '-' || b == '_'
}

func inHex(b byte) bool { return isDigit(b) || 'a' <= b && b <= 'f' }

// plains are what a code can stand for: it may begin at any of its first characters.
// Each is valid until the next. What can have no value in it is left out.
func (s *scan) plains(c code) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for begin := range min(4, len(c.text)) {
			if c.hex && begin == 2 {
				return
			}
			s.plain = s.plain[:0]
			if c.hex {
				word := c.text[begin:]
				s.plain, _ = hex.AppendDecode(s.plain, word[:len(word)/2*2])
			} else {
				s.plain = appendBase64(s.plain, &s.standard, c.text[begin:])
			}
			if hasText(s.plain) && !yield(s.plain) {
				return
			}
		}
	}
}

// appendBase64 decodes a word of either alphabet of base64, of which a letter at
// the end may be left over.
func appendBase64(dst []byte, standard *[]byte, word []byte) []byte {
	*standard = append((*standard)[:0], word...)
	for i, b := range word {
		switch b {
		case '-':
			(*standard)[i] = '+'
		case '_':
			(*standard)[i] = '/'
		}
	}
	if n := len(word); n%4 == 1 {
		*standard = (*standard)[:n-1]
	}
	dst, _ = base64.RawStdEncoding.AppendDecode(dst, *standard)
	return dst
}

// hasText reports whether something decoded has a stretch of text in it that is long
// enough for a value.
func hasText(plain []byte) bool {
	stretch := 0
	for len(plain) > 0 {
		r, size := utf8.DecodeRune(plain)
		if stretch += size; r == utf8.RuneError && size == 1 || r < ' ' || r == 0x7f {
			stretch = 0
		}
		if stretch >= few {
			return true
		}
		plain = plain[size:]
	}
	return false
}
