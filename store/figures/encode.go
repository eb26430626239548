package figures

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// encodingVersion is the first byte of encoded counts.
const encodingVersion = 1

// ErrEncoding is returned for counts that this build can't decode: they are damaged, or
// were written by a newer build.
var ErrEncoding = errors.New("figures: the counts can't be decoded")

// AppendBinary appends the encoded counts: it is for stores. Equal counts have equal
// encodings. After the version and the number of edges, each edge has its three words,
// its number, the sum of its durations in microseconds, and of each bucket that is not
// empty its index and number. All numbers are unsigned varints. It never fails.
func (c Counts) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.AppendUvarint(append(dst, encodingVersion), uint64(len(c)))
	edges := slices.SortedFunc(maps.Keys(c), func(a, b carrierfsm.Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Event, b.Event), cmp.Compare(a.To, b.To))
	})
	for _, edge := range edges {
		for _, word := range [...]string{string(edge.From), string(edge.Event), string(edge.To)} {
			dst = append(binary.AppendUvarint(dst, uint64(len(word))), word...)
		}
		count := c[edge]
		used := 0
		for _, n := range count.Dwells.Buckets {
			if n != 0 {
				used++
			}
		}
		dst = binary.AppendUvarint(dst, uint64(count.N))
		dst = binary.AppendUvarint(dst, uint64(count.Dwells.Sum.Microseconds()))
		dst = binary.AppendUvarint(dst, uint64(used))
		for i, n := range count.Dwells.Buckets {
			if n != 0 {
				dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(i)), uint64(n))
			}
		}
	}
	return dst, nil
}

// AddBinary adds encoded counts: it is for stores. It returns ErrEncoding, and may have
// added a part then.
func (c Counts) AddBinary(encoded []byte) error {
	d := decoder{rest: encoded}
	if d.byte() != encodingVersion {
		return ErrEncoding
	}
	for range d.number() {
		edge := carrierfsm.Edge{From: carrierfsm.State(d.word()), Event: carrierfsm.Event(d.word()), To: carrierfsm.State(d.word())}
		count := c[edge]
		count.N += int64(d.number())
		count.Dwells.addSum(time.Duration(d.number()) * time.Microsecond)
		for range d.number() {
			i, n := d.number(), d.number()
			if i >= uint64(len(count.Dwells.Buckets)) {
				d.failed = true
			}
			if d.failed {
				return ErrEncoding
			}
			count.Dwells.Buckets[i] += int64(n)
		}
		if d.failed {
			return ErrEncoding
		}
		c[edge] = count
	}
	if d.failed || len(d.rest) > 0 {
		return ErrEncoding
	}
	return nil
}

// decoder reads from left to right.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.failed = true
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

// number returns a number of at most 62 bits; zero after a failure.
func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n >= 1<<62 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) word() string {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return ""
	}
	word := d.rest[:n]
	d.rest = d.rest[n:]
	if known, ok := knownWords[string(word)]; ok { // without a copy
		return known
	}
	return string(word)
}

// knownWords are the words of the transition table.
var knownWords = func() map[string]string {
	all := make(map[string]string)
	for _, e := range carrierfsm.Edges() {
		for _, word := range []string{string(e.From), string(e.Event), string(e.To)} {
			all[word] = word
		}
	}
	return all
}()
