// Package jsonfields writes and reads the members of small JSON objects faster
// than encoding/json, with the same bytes as a result.
//
// A struct lists its members once, in order, in a method that takes a *Fields;
// the same list writes an object and reads it. The package understands no more
// of JSON than such objects need. At anything else (an unknown member, another
// order, an escape in a string) it fails, and the caller uses encoding/json
// instead: so all that encoding/json reads is read, and all that is written is
// what encoding/json writes, to the byte. The same list also packs an object for
// memory: see Pack.
package jsonfields

import (
	"encoding/base64"
	"strconv"
	"time"
)

// Fields is one object being written or read. It is not safe for concurrent use.
type Fields struct {
	text    []byte
	at      int               // how far text was read
	intern  map[string]string // see Read
	reading bool
	failed  bool

	packed bool
	from   string // the text that Unpack reads
	before int64  // the time before the next one, in microseconds
}

// Whether a member is left out where its value is zero, as the option
// "omitempty" or "omitzero" of encoding/json says.
const (
	Omit = true
	Keep = false
)

// Write begins an object that is appended to text.
func Write(text []byte) Fields { return Fields{text: append(text, '{')} }

// Read begins to read an object. Strings found in intern are returned from
// there and need no memory; intern may be nil.
func Read(text []byte, intern map[string]string) Fields {
	f := Fields{text: text, intern: intern, reading: true}
	f.literal('{')
	return f
}

// Done reports whether all members were understood, and in reading that
// nothing is left. If not, the caller of Read or Write uses encoding/json.
func (f *Fields) Done() bool {
	return !f.failed && (!f.reading || f.at == len(f.text)+len(f.from))
}

// Text is the text that was written so far.
func (f *Fields) Text() []byte { return f.text }

// Reading reports whether the object is read.
func (f *Fields) Reading() bool { return f.reading }

// Fail gives up: Done returns false from now on.
func (f *Fields) Fail() { f.failed = true }

// begin begins a member. It reports whether there is one: in writing whether
// present is true, in reading whether it comes next.
func (f *Fields) begin(name string, present bool) bool {
	if f.reading {
		return f.readName(name)
	}
	if present {
		f.comma()
		f.text = append(append(append(f.text, '"'), name...), '"', ':')
	}
	return present
}

// Object begins a member that is an object, and reports whether there is one.
// If so, its own members and End follow.
func (f *Fields) Object(name string, present bool) bool {
	if f.packed {
		return f.packFlag(present)
	}
	if !f.begin(name, present) {
		return false
	}
	f.literal('{')
	return true
}

// End ends an object.
func (f *Fields) End() {
	if f.packed {
		f.packEnd()
		return
	}
	f.literal('}')
}

// Alloc sets *p to a new T in reading. It returns *p.
func Alloc[T any](f *Fields, p **T) *T {
	if f.reading {
		*p = new(T)
	}
	return *p
}

// String is a member of any text.
func (f *Fields) String(name string, p *string, omit bool) {
	switch {
	case f.packed:
		packString(f, p)
	case !f.begin(name, *p != "" || !omit):
	case f.reading:
		*p = string(f.quoted())
	default:
		f.quote(*p)
	}
}

// Word is a member of a text that mostly is in intern.
func Word[T ~string](f *Fields, name string, p *T, omit bool) {
	switch {
	case f.packed:
		packWord(f, p)
	case !f.begin(name, *p != "" || !omit):
	case f.reading:
		*p = T(f.word())
	default:
		f.quote(string(*p))
	}
}

// Words is an array of texts that mostly are in intern, left out when empty.
func Words[T ~string](f *Fields, name string, p *[]T) {
	if f.packed {
		packWords(f, p)
		return
	}
	if !f.begin(name, len(*p) > 0) {
		return
	}
	f.literal('[')
	if f.reading {
		*p = make([]T, 0, 2)
		for f.more('[', ']') {
			*p = append(*p, T(f.word()))
		}
	} else {
		for _, word := range *p {
			f.comma()
			f.quote(string(word))
		}
	}
	f.literal(']')
}

// Int is a member of a whole number.
func Int[T ~int | ~int64](f *Fields, name string, p *T, omit bool) {
	switch {
	case f.packed:
		packInt(f, p)
	case !f.begin(name, *p != 0 || !omit):
	case f.reading:
		n := f.number()
		*p = T(n)
		f.failed = f.failed || int64(*p) != n // too large for an int of 32 bits
	default:
		f.text = strconv.AppendInt(f.text, int64(*p), 10)
	}
}

// Bool is a member that is left out where it is false.
func (f *Fields) Bool(name string, p *bool) {
	if f.packed {
		if flag := f.packFlag(*p); f.reading {
			*p = flag
		}
		return
	}
	if !f.begin(name, *p) {
		return
	}
	for i := range len("true") {
		f.literal("true"[i])
	}
	if f.reading {
		*p = true
	}
}

// Time is a member of a time in RFC 3339.
func (f *Fields) Time(name string, p *time.Time, omit bool) {
	var err error
	switch {
	case f.packed:
		f.packTime(p)
	case !f.begin(name, !p.IsZero() || !omit):
	case f.reading:
		err = p.UnmarshalText(f.quoted())
	default:
		f.text = append(f.text, '"')
		f.text, err = p.AppendText(f.text)
		f.text = append(f.text, '"')
	}
	f.failed = f.failed || err != nil
}

// Bytes is a member of bytes in base64, left out when empty.
func (f *Fields) Bytes(name string, p *[]byte) {
	var err error
	switch {
	case f.packed:
		f.packBytes(p)
	case !f.begin(name, len(*p) > 0):
	case f.reading:
		*p, err = base64.StdEncoding.AppendDecode([]byte{}, f.quoted())
	default:
		f.text = append(f.text, '"')
		f.text = base64.StdEncoding.AppendEncode(f.text, *p)
		f.text = append(f.text, '"')
	}
	f.failed = f.failed || err != nil
}

// PutCount writes one member of an object of numbers.
func (f *Fields) PutCount(name string, n int) {
	if f.packed {
		f.packCount(name, n)
		return
	}
	f.comma()
	f.quote(name)
	f.literal(':')
	f.text = strconv.AppendInt(f.text, int64(n), 10)
}

// NextCount reads one member of an object of numbers. ok is false at its end.
func (f *Fields) NextCount() (name string, n int, ok bool) {
	if f.packed {
		return f.nextPacked()
	}
	if !f.more('{', '}') {
		return "", 0, false
	}
	name = f.word()
	f.literal(':')
	long := f.number()
	n = int(long)
	f.failed = f.failed || int64(n) != long
	return name, n, true
}
