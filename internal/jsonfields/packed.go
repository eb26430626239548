package jsonfields

import (
	"encoding/binary"
	"strings"
	"time"
)

// Pack begins to pack the members of an object without their names: into a third of the
// bytes, for values that stay in memory. The text has no version: only Unpack with the
// same list of members reads it. Times must be whole microseconds in UTC.
func Pack(text []byte) Fields { return Fields{text: text, packed: true} }

// Unpack begins to read what Pack wrote. Words found in intern are returned from there.
// All other strings are copies: one that is kept does not keep text in memory.
func Unpack(text string, intern map[string]string) Fields {
	return Fields{from: text, intern: intern, packed: true, reading: true}
}

// Fixed is a member of always as many bytes, of a packed object.
func (f *Fields) Fixed(p []byte) {
	switch {
	case !f.reading:
		f.text = append(f.text, p...)
	case len(f.from)-f.at < len(p):
		f.failed = true
	default:
		f.at += copy(p, f.from[f.at:])
	}
}

// packInt writes a number, or reads it.
func packInt[T ~int | ~int64](f *Fields, p *T) {
	if !f.reading {
		f.text = binary.AppendVarint(f.text, int64(*p))
		return
	}
	if f.at < len(f.from) && f.from[f.at] == 0 { // most numbers, lengths and flags
		f.at, *p = f.at+1, 0
		return
	}
	n, size := binary.Varint([]byte(f.from[f.at:min(f.at+binary.MaxVarintLen64, len(f.from))]))
	f.at += max(size, 0)
	f.failed = f.failed || size <= 0
	*p = T(n)
}

// packLength writes how many bytes or elements follow, or reads it.
func (f *Fields) packLength(n int) int {
	packInt(f, &n)
	if f.reading && (n < 0 || n > len(f.from)-f.at) {
		f.failed = true
		return 0
	}
	return n
}

func (f *Fields) packFlag(flag bool) bool {
	n := 0
	if flag {
		n = 1
	}
	packInt(f, &n)
	return n != 0
}

func packString[T ~string](f *Fields, p *T) {
	n := f.packLength(len(*p))
	if !f.reading {
		f.text = append(f.text, *p...)
		return
	}
	*p = T(strings.Clone(f.from[f.at : f.at+n]))
	f.at += n
}

// packWord is packString for a text that mostly is in intern.
func packWord[T ~string](f *Fields, p *T) {
	if f.reading {
		at := f.at
		n := f.packLength(0)
		if word, ok := f.intern[f.from[f.at:f.at+n]]; ok {
			f.at, *p = f.at+n, T(word)
			return
		}
		f.at = at
	}
	packString(f, p)
}

func (f *Fields) packBytes(p *[]byte) {
	n := f.packLength(len(*p))
	if !f.reading {
		f.text = append(f.text, *p...)
	} else if n > 0 {
		*p = []byte(f.from[f.at : f.at+n])
		f.at += n
	}
}

func packWords[T ~string](f *Fields, p *[]T) {
	n := f.packLength(len(*p))
	if f.reading && n > 0 {
		*p = make([]T, n)
	}
	for i := range *p {
		packWord(f, &(*p)[i])
	}
}

// packTime writes by how much a time is after the one before it: most times of an object
// are close together.
func (f *Fields) packTime(p *time.Time) {
	micros := p.UnixMicro()
	after := micros - f.before
	packInt(f, &after)
	f.before += after
	if f.reading {
		*p = time.UnixMicro(f.before).UTC()
	} else {
		f.failed = f.failed || p.Location() != time.UTC || p.Nanosecond()%int(time.Microsecond) != 0
	}
}

// packEnd writes the zero that ends an object, or reads it.
func (f *Fields) packEnd() {
	end := 0
	packInt(f, &end)
	f.failed = f.failed || end != 0
}

// packCount writes one member of an object of numbers.
func (f *Fields) packCount(name string, n int) {
	f.failed = f.failed || name == "" // it would look like the end
	packString(f, &name)
	packInt(f, &n)
}

// nextPacked reads one member of an object of numbers.
func (f *Fields) nextPacked() (name string, n int, ok bool) {
	if f.failed || f.at >= len(f.from) || f.from[f.at] == 0 {
		return "", 0, false
	}
	packWord(f, &name)
	packInt(f, &n)
	return name, n, !f.failed
}
