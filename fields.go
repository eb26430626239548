package carrierfsm

import (
	"encoding/base64"
	"strconv"
	"time"
)

// fields writes the members of a JSON object, or reads what it wrote: a struct
// names its members once, in order, for both ways. It knows no more of JSON
// than our own records take. At anything else (a member of a newer build,
// another order, an escape) it turns odd and stops, and encoding/json does it;
// so what is stored is what encoding/json writes, to the byte, and all that it
// reads is read.
type fields struct {
	text    []byte
	at      int // how far it is read
	date    date
	reading bool
	odd     bool
}

// Whether a member is left out where it is zero.
const (
	omit = true
	keep = false
)

// writing begins an object behind a text.
func writing(text []byte) fields { return fields{text: append(text, '{')} }

func reading(text []byte) fields {
	f := fields{text: text, reading: true}
	f.literal('{')
	return f
}

// done tells whether all of it was understood.
func (f *fields) done() bool {
	return !f.odd && (!f.reading || f.at == len(f.text))
}

// has begins a member. It tells whether there is one: to be written, or next
// to be read.
func (f *fields) has(name string, there bool) bool {
	if f.reading {
		return f.sees(name)
	}
	if there {
		f.comma()
		f.text = append(append(append(f.text, '"'), name...), '"', ':')
	}
	return there
}

// object begins a member that is an object. Its own members follow, and end.
func (f *fields) object(name string, there bool) bool {
	if !f.has(name, there) {
		return false
	}
	f.literal('{')
	return true
}

func (f *fields) end() { f.literal('}') }

// made is what a pointer points to, which is made where it is read.
func made[T any](f *fields, p **T) *T {
	if f.reading {
		*p = new(T)
	}
	return *p
}

func (f *fields) string(name string, p *string, omitted bool) {
	switch {
	case !f.has(name, *p != "" || !omitted):
	case f.reading:
		*p = string(f.quoted())
	default:
		f.quote(*p)
	}
}

// word is a string that mostly is one of ours.
func (f *fields) word(name string, p *string, omitted bool) {
	switch {
	case !f.has(name, *p != "" || !omitted):
	case f.reading:
		*p = known(f.quoted())
	default:
		f.quote(*p)
	}
}

func number[T int | int64 | ResetMethod](f *fields, name string, p *T, omitted bool) {
	switch {
	case !f.has(name, *p != 0 || !omitted):
	case f.reading:
		*p = T(f.digits())
	default:
		f.text = strconv.AppendInt(f.text, int64(*p), 10)
	}
}

func (f *fields) flag(name string, p *bool) {
	if !f.has(name, *p) {
		return
	}
	for i := range len("true") {
		f.literal("true"[i])
	}
	if f.reading {
		*p = true
	}
}

func (f *fields) time(name string, p *time.Time, omitted bool) {
	var err error
	switch {
	case !f.has(name, !p.IsZero() || !omitted):
	case f.reading:
		*p, err = f.date.readTime(f.quoted())
	default:
		f.text = append(f.text, '"')
		f.text, err = f.date.appendTime(f.text, *p)
		f.text = append(f.text, '"')
	}
	f.odd = f.odd || err != nil
}

func (f *fields) bytes(name string, p *[]byte) {
	var err error
	switch {
	case !f.has(name, len(*p) > 0):
	case f.reading:
		*p, err = base64.StdEncoding.AppendDecode([]byte{}, f.quoted())
	default:
		f.text = append(f.text, '"')
		f.text = base64.StdEncoding.AppendEncode(f.text, *p)
		f.text = append(f.text, '"')
	}
	f.odd = f.odd || err != nil
}

// kinds is an array of words.
func (f *fields) kinds(name string, p *[]PromptKind) {
	if !f.has(name, len(*p) > 0) {
		return
	}
	f.literal('[')
	if f.reading {
		*p = make([]PromptKind, 0, 2)
		for f.another('[', ']') {
			*p = append(*p, PromptKind(known(f.quoted())))
		}
	} else {
		for _, k := range *p {
			f.comma()
			f.quote(string(k))
		}
	}
	f.literal(']')
}
