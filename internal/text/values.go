package text

import (
	"hash/maphash"
	"slices"
	"sync"
	"unicode/utf8"
)

// Kind is what a value is.
type Kind uint8

// The kinds of values.
const (
	Secret Kind = iota // a password, a code, a token
	Name               // of a person
	Detail             // a number, an address
)

// maxKept bounds how many values are remembered. More take the place of the
// oldest.
const maxKept = 256

// Values are those that must not be in a text. They are kept as fingerprints,
// in which they can't be read. A Values is safe for concurrent use.
type Values struct {
	mu     sync.Mutex
	prints []fingerprint
	buffer [7]fingerprint // enough for a plain verification
}

// fingerprint is a keyed hash of a value in one of its forms.
type fingerprint struct {
	hash, reversed uint32
	size           uint16 // of the form, in bytes
	sum            uint16 // of the weights of its bytes: it is compared first
	form           form
	kind           Kind
	digit          bool // there is one in it
}

// form is what is compared.
type form uint8

const (
	digits form = iota // folded, digits only: compared with all digits of a text
	ascii              // folded, small ASCII letters and digits
	other              // folded, with letters that are not ASCII
	asIs               // not folded: there are too few letters and digits
)

// key is that of all fingerprints. It is in no Values and ends with the process.
var key = maphash.MakeSeed()

// weights are keyed as the hashes are. A sum of them is cheap to move along a text,
// and the same backwards.
var weights = func() (all [256]uint16) {
	for i := range all {
		all[i] = uint16(maphash.Bytes(key, []byte{'w', byte(i)}))
	}
	return all
}()

// few is the size of a form that is too short to be looked for in other
// spellings than its own.
const few = 4

// Add remembers a value. It keeps no copy of it.
func (v *Values) Add(kind Kind, value []byte) {
	if v.addPlain(kind, value) {
		return
	}
	s := newScanOf(value, true)
	defer s.release()
	shown, folded := s.shown.text, s.folded.text
	switch {
	case len(shown) == 0:
		return
	case len(folded) < few && len(folded) < len(shown):
		v.keep(shown, s.reverse(shown), asIs, kind)
		return
	}
	f := formOf(folded)
	v.keep(folded, s.reverse(folded), f, kind)
	if number := s.digits.text; isIDCard(folded) {
		v.keep(number, s.reverse(number), digits, kind)
	}
}

// addPlain adds a value of ASCII letters and digits alone, as nearly all are. It
// returns false for another.
func (v *Values) addPlain(kind Kind, value []byte) bool {
	var folded, reversed [64]byte
	n := len(value)
	if n > len(folded) {
		return false
	}
	for i, b := range value {
		if !isDigit(b) {
			if b |= 0x20; b < 'a' || b > 'z' {
				return false
			}
		}
		folded[i], reversed[n-1-i] = b, b
	}
	if isIDCard(folded[:n]) {
		return false
	}
	if n > 0 {
		v.keep(folded[:n], reversed[:n], formOf(folded[:n]), kind)
	}
	clear(folded[:])
	clear(reversed[:])
	return true
}

// isIDCard reports whether a folded value is a number that ends in a letter.
func isIDCard(folded []byte) bool {
	n := len(folded) - 1
	return n > few && !isDigit(folded[n]) && formOf(folded[:n]) == digits
}

// formOf is the form of a folded value.
func formOf(folded []byte) form {
	f := digits
	for _, b := range folded {
		switch {
		case b >= utf8.RuneSelf:
			return other
		case !isDigit(b):
			f = ascii
		}
	}
	return f
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// keep adds the fingerprint of a form, unless it is there.
func (v *Values) keep(value, reversed []byte, f form, kind Kind) {
	p := fingerprint{hash: hashOf(value), size: uint16(min(len(value), 1<<16-1)), form: f, kind: kind}
	if p.reversed = p.hash; len(value) >= few {
		p.reversed = hashOf(reversed)
	}
	for _, b := range value {
		p.sum += weights[b]
		p.digit = p.digit || isDigit(b)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case slices.Contains(v.prints, p):
	case v.prints == nil:
		v.prints = append(v.buffer[:0], p)
	case len(v.prints) < maxKept:
		v.prints = append(v.prints, p)
	default:
		copy(v.prints, v.prints[1:])
		v.prints[maxKept-1] = p
	}
}

func hashOf(value []byte) uint32 { return uint32(maphash.Bytes(key, value)) }

// Len returns how many fingerprints there are.
func (v *Values) Len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.prints)
}

// Match is a value that a text repeats.
type Match struct {
	Kind    Kind
	Digit   bool // there is a digit in the value
	Size    int  // how much of the value was compared, in bytes
	Whole   bool // the text is nothing else
	Encoded bool // the text has a code of it
}

// Repeated reports whether a text repeats a value in any spelling that Redact
// finds, and counts returns true for it.
func (v *Values) Repeated(text string, counts func(Match) bool) bool {
	s := newScanOf(text, isASCII(text))
	defer s.release()
	f := finder{counts: counts, found: s.undecodable}
	v.search(s, &f)
	return f.found
}

// finder is told which values are in a text. It hides them, or finds out whether
// one counts.
type finder struct {
	hide   *scan
	counts func(Match) bool
	found  bool

	depth int  // how often the present part was decoded
	code  code // the word that it was, in the text itself
}

// maxDepth is how often a part of a text is decoded.
const maxDepth = 2

// hit is called for a value that is in a part of a scan, from one byte to another.
func (f *finder) hit(p *fingerprint, in *part, from, to int) {
	switch {
	case f.counts != nil:
		whole := f.depth == 0 && len(in.text) == int(p.size)
		f.found = f.found || f.counts(Match{Kind: p.kind, Digit: p.digit, Size: int(p.size), Whole: whole, Encoded: f.depth > 0})
	case f.depth > 0:
		f.hide.mark(f.code.from, f.code.to)
	default:
		f.hide.hide(in, from, to)
	}
}

// search finds the values in a scan.
func (v *Values) search(s *scan, f *finder) {
	v.mu.Lock()
	v.compareAll(s, f)
	empty := len(v.prints) == 0
	v.mu.Unlock()
	if empty || f.depth == maxDepth {
		return
	}
	for _, c := range s.codes() {
		if f.depth == 0 {
			f.code = c
		}
		for plain := range s.plains(c) {
			inner := newScanOf(plain, isASCII(plain))
			f.depth++
			v.search(inner, f)
			f.depth--
			inner.release()
		}
	}
}

// compareAll compares a scan with all fingerprints.
func (v *Values) compareAll(s *scan, f *finder) {
	for i := range v.prints {
		p := &v.prints[i]
		if f.depth > 0 && p.size < few || v.searched(i) {
			continue
		}
		for _, in := range s.compared(p) {
			if in != nil {
				v.slide(in, p, f)
			}
		}
	}
}

func isASCII[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// searched reports whether an earlier fingerprint was of the same size and form:
// then those that follow were compared with it.
func (v *Values) searched(i int) bool {
	for j := range i {
		if v.prints[j].size == v.prints[i].size && v.prints[j].form == v.prints[i].form {
			return true
		}
	}
	return false
}

// compared are the parts of a scan that a value is looked for in.
func (s *scan) compared(p *fingerprint) [2]*part {
	switch {
	case p.form == asIs:
		return [2]*part{&s.shown}
	case p.form == digits && p.size >= few:
		if s.chinese {
			return [2]*part{&s.digits, &s.figures}
		}
		return [2]*part{&s.digits}
	default:
		return [2]*part{&s.folded}
	}
}

// slide compares all pieces of the size and form of first with the fingerprints of
// that size and form.
func (v *Values) slide(in *part, first *fingerprint, f *finder) {
	size, run, sum := int(first.size), 0, uint16(0)
	if size > len(in.text) {
		return
	}
	for i, b := range in.text {
		sum += weights[b]
		if i >= size {
			sum -= weights[in.text[i-size]]
		}
		if run++; !first.form.has(b) {
			run = 0
		}
		if run >= size {
			v.compare(in, i+1-size, i+1, sum, first, f)
		}
	}
}

// has reports whether a value of the form may have the byte.
func (f form) has(b byte) bool {
	switch f {
	case digits:
		return isDigit(b)
	case ascii:
		return b < utf8.RuneSelf
	default:
		return true
	}
}

// compare compares one piece with them.
func (v *Values) compare(in *part, from, to int, sum uint16, first *fingerprint, f *finder) {
	for i := range v.prints {
		p := &v.prints[i]
		if p.sum != sum || p.size != first.size || p.form != first.form || !utf8.RuneStart(in.text[from]) {
			continue
		}
		if hash := hashOf(in.text[from:to]); p.hash == hash || p.reversed == hash {
			f.hit(p, in, from, to)
		}
	}
}
