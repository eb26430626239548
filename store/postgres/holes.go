package postgres

import (
	"math"
	"slices"

	"github.com/carrierfsm/carrierfsm"
)

// A place in the outbox is drawn from a sequence in the middle of a
// transaction, so that a lower one may be committed after a higher one. A
// cursor that passes a gap therefore remembers it as a hole, and every later
// read looks into the holes too.
//
// Whoever could still fill a hole had a transaction id before the hole was
// seen, thus a lower one than the transaction that writes it down: that one's
// id is the hole's bound. Once a snapshot shows that every transaction below
// the bound has ended, what it shows of the hole is all there will ever be. An
// open transaction, however old, only keeps holes longer.
//
// (The snapshot's xmax would not do as a bound: it is one more than the latest
// id that has ended, and later ids may have drawn places already.)
//
// A cursor may pass over a gap without a hole if it is settled: if everything
// that could have filled it has ended. For that the cursor notes the latest
// place drawn, its candidate, with a bound. It is noted by the statement that
// commits it: a server that dies takes back the places that nobody committed,
// and what was read of them earlier would then be said of places to come.

// hole is a range of places that were not there when the cursor passed them.
type hole struct {
	low, high int64
	bound     int64 // unbound: that of the transaction that writes it down
}

// unbound is below every transaction id that is in use. What is unbound is
// bound by the transaction that writes the cursor.
const unbound = 0

// mark is what a cursor was when a batch was read, and what the snapshot knew.
type mark struct {
	position, settled, candidate, bound int64
	holes                               []hole

	xmin int64 // every transaction below it had ended
	full bool  // whether there may be more than the batch shows
}

// ended tells whether, in the snapshot, every transaction below bound had.
func (m mark) ended(bound int64) bool { return bound != unbound && bound <= m.xmin }

// behind is the cursor once it has passed the first n entries of the batch.
func (m mark) behind(entries []carrierfsm.Entry, n int) mark {
	places := make([]int64, len(entries))
	for i, e := range entries {
		places[i] = e.Position
	}
	if m.ended(m.bound) {
		m.settled, m.bound = max(m.settled, m.candidate), unbound
	}
	seen := int64(math.MaxInt64) // up to here the batch shows everything
	if m.full && len(places) > 0 {
		seen = places[len(places)-1]
	}
	var holes []hole
	for _, h := range m.holes {
		for _, rest := range h.without(places[:n]) {
			holes = append(holes, m.remains(rest, places[n:], seen)...)
		}
	}
	for _, place := range places[:n] {
		if place <= m.position {
			continue // was in a hole
		}
		if low := max(m.position, m.settled) + 1; low < place {
			holes = append(holes, hole{low, place - 1, unbound})
		}
		m.position = place
	}
	m.holes = holes
	return m
}

// without is what is left of a hole in which places, which ascend, were filled
// and passed.
func (h hole) without(places []int64) (rest []hole) {
	for _, place := range places {
		if place < h.low || place > h.high {
			continue
		}
		if h.low < place {
			rest = append(rest, hole{h.low, place - 1, h.bound})
		}
		h.low = place + 1
	}
	if h.low <= h.high {
		rest = append(rest, h)
	}
	return rest
}

// remains is what has to be remembered of a hole: all of it while somebody may
// still fill it, then only the entries in it that are not passed yet.
func (m mark) remains(h hole, left []int64, seen int64) (rest []hole) {
	if !m.ended(h.bound) {
		return []hole{h}
	}
	closed := min(h.high, seen) // up to here nothing can come any more
	for _, place := range left {
		if h.low <= place && place <= closed {
			rest = append(rest, hole{place, place, h.bound})
		}
	}
	if h.low = max(h.low, closed+1); h.low <= h.high {
		rest = append(rest, h)
	}
	return rest
}

// columns are the holes as the cursor's row has them.
func columns(holes []hole) (lows, highs, bounds []int64) {
	lows, highs, bounds = make([]int64, 0, len(holes)), make([]int64, 0, len(holes)), make([]int64, 0, len(holes))
	for _, h := range holes {
		lows, highs, bounds = append(lows, h.low), append(highs, h.high), append(bounds, h.bound)
	}
	return lows, highs, bounds
}

func holesOf(lows, highs, bounds []int64) []hole {
	holes := make([]hole, 0, len(lows))
	for i := range lows {
		holes = append(holes, hole{lows[i], highs[i], bounds[i]})
	}
	return slices.Clip(holes)
}
