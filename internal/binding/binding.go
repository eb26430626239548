// Package binding makes the associated data of a sealed text from the values that the
// text belongs to, and says afterwards which of the values was changed.
package binding

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"time"
)

const (
	markSize = 2
	// most is how many values a Values can have.
	most = 16
)

// Values is a list of values in a fixed order. Two lists of the same kind have the
// same Data only if they have the same values. The zero Values is empty. It must not be
// used concurrently.
type Values struct {
	data  []byte
	marks [most * markSize]byte
	n     int
	small [320]byte // where data begins, to save an allocation
}

// Begin begins a new list with a title, which separates kinds of lists.
func (v *Values) Begin(title string) {
	if v.data == nil {
		v.data = v.small[:0]
	}
	v.data, v.n = append(v.data[:0], title...), 0
}

// Raw adds a text to the title.
func (v *Values) Raw(text string) { v.data = append(v.data, text...) }

// Text adds a text. It panics after 16 values, as all methods do that add one.
func (v *Values) Text(value string) {
	begin := len(v.data)
	v.data = append(binary.AppendUvarint(v.data, uint64(len(value))), value...)
	v.mark(begin)
}

// Bytes adds bytes.
func (v *Values) Bytes(value []byte) {
	begin := len(v.data)
	v.data = append(binary.AppendUvarint(v.data, uint64(len(value))), value...)
	v.mark(begin)
}

// Flag adds a truth value.
func (v *Values) Flag(value bool) {
	begin, b := len(v.data), byte(0)
	if value {
		b = 1
	}
	v.data = append(v.data, b)
	v.mark(begin)
}

// Number adds a number.
func (v *Values) Number(value int64) {
	begin := len(v.data)
	v.data = binary.BigEndian.AppendUint64(v.data, uint64(value))
	v.mark(begin)
}

// Time adds a time in microseconds. The zero time differs from all others.
func (v *Values) Time(value time.Time) {
	begin := len(v.data)
	if value.IsZero() {
		v.data = append(v.data, 0)
	} else {
		v.data = binary.BigEndian.AppendUint64(append(v.data, 1), uint64(value.UnixMicro()))
	}
	v.mark(begin)
}

func (v *Values) mark(begin int) {
	binary.BigEndian.PutUint16(v.marks[markSize*v.n:], uint16(crc32.ChecksumIEEE(v.data[begin:])))
	v.n++
}

// Data is the associated data. It is valid until the next Begin.
func (v *Values) Data() []byte { return v.data }

// Marks are short checksums of the values, to be stored in the clear beside the
// sealed text. They prove nothing: they are for Changed.
func (v *Values) Marks() []byte { return v.marks[:markSize*v.n] }

// Changed returns the index of each value whose mark differs from the stored one. It
// is a hint for an error text, after the sealed text could not be opened: whoever
// changes a value can change its mark too.
func (v *Values) Changed(stored []byte) (changed []int) {
	marks := v.Marks()
	for i := range v.n {
		if string(stored[markSize*i:markSize*(i+1)]) != string(marks[markSize*i:markSize*(i+1)]) {
			changed = append(changed, i)
		}
	}
	return changed
}

// Link is the last link of a chain: a hash of all links before it. The zero Link is
// the chain without links.
type Link [16]byte

// Follow returns the chain with one more link, for this data.
func (l Link) Follow(data []byte) (next Link) {
	var small [512]byte // no allocation for what is usual
	sum := sha256.Sum256(append(append(small[:0], l[:]...), data...))
	return Link(sum[:len(next)])
}
