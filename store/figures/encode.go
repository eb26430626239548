package figures

import (
	"encoding/binary"
	"errors"
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
// empty its index and number. Edges and buckets ascend. All numbers are unsigned varints. It
// never fails.
func (c Counts) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.AppendUvarint(append(dst, encodingVersion), uint64(len(c)))
	for i := range c {
		count := &c[i]
		dst = appendEdge(dst, count.Edge)
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

func appendEdge(dst []byte, edge carrierfsm.Edge) []byte {
	for _, word := range [...]string{string(edge.From), string(edge.Event), string(edge.To)} {
		dst = append(binary.AppendUvarint(dst, uint64(len(word))), word...)
	}
	return dst
}

// AddBinary adds encoded counts: it is for stores. It returns ErrEncoding, and may have
// added a part then.
func (c *Counts) AddBinary(encoded []byte) error {
	d := decoder{rest: encoded}
	if d.byte() != encodingVersion {
		return ErrEncoding
	}
	n := d.number()
	if *c == nil {
		*c = make(Counts, 0, min(n, uint64(len(encoded)))) // an edge has more than a byte
	}
	var last carrierfsm.Edge
	for i := range n {
		edge := d.edge()
		if d.failed || i > 0 && compareEdges(last, edge) >= 0 {
			return ErrEncoding
		}
		d.count(c.at(edge))
		if d.failed {
			return ErrEncoding
		}
		last = edge
	}
	if d.failed || len(d.rest) > 0 {
		return ErrEncoding
	}
	return nil
}

// count adds the next count.
func (d *decoder) count(count *Count) {
	addCount(&count.N, int64(d.number()))
	sum := d.number()
	if sum > uint64(longestSum.Microseconds()) {
		d.failed = true
		return
	}
	count.Dwells.addSum(time.Duration(sum) * time.Microsecond)
	next := uint64(0) // the lowest bucket that may follow
	for range d.number() {
		i, n := d.number(), d.number()
		if d.failed || i < next || i >= uint64(len(count.Dwells.Buckets)) {
			d.failed = true
			return
		}
		addCount(&count.Dwells.Buckets[i], int64(n))
		next = i + 1
	}
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
	if len(d.rest) > 0 && d.rest[0] < 0x80 { // as most
		n := uint64(d.rest[0])
		d.rest = d.rest[1:]
		return n
	}
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > largestCount {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// edge returns the next edge. One of the transition table takes no memory.
func (d *decoder) edge() carrierfsm.Edge {
	begin := d.rest
	var words [3][]byte
	for i := range words {
		n := d.number()
		if n > uint64(len(d.rest)) {
			d.failed, d.rest = true, nil
			return carrierfsm.Edge{}
		}
		words[i], d.rest = d.rest[:n], d.rest[n:]
	}
	if edge, known := knownEdges[string(begin[:len(begin)-len(d.rest)])]; known { // without a copy
		return edge
	}
	return carrierfsm.Edge{From: carrierfsm.State(words[0]), Event: carrierfsm.Event(words[1]), To: carrierfsm.State(words[2])}
}

// knownEdges are the edges of the transition table, by their encoding.
var knownEdges = func() map[string]carrierfsm.Edge {
	all := make(map[string]carrierfsm.Edge)
	for _, e := range carrierfsm.Edges() {
		all[string(appendEdge(nil, e))] = e
	}
	return all
}()
