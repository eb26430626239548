package postgres

import (
	"math"
	"slices"

	"github.com/carrierfsm/carrierfsm"
)

// Why a cursor skips no entry.
//
// A transaction draws the position of its entry from a sequence, before it
// commits. So a lower position may be committed after a higher one. When a cursor
// passes positions that have no entry, it stores them as a gap, and each later read
// looks into the gaps too.
//
// A transaction that may still fill a gap got its id before the cursor saw the
// gap, and so before the transaction that stores the gap got its own. That one's id
// is the gap's bound. Once a snapshot shows that every transaction below the bound
// has ended, the gap can't get entries that this snapshot does not have, and it is
// closed. An unrelated transaction that stays open only keeps gaps for longer.
//
// (The xmax of the snapshot is not high enough for a bound: it is one more than the
// latest id that has ended, and transactions with higher ids may already have drawn
// positions.)
//
// Positions are settled when every transaction that could have drawn one of them
// has ended. The cursor stores no gap for settled positions. To settle positions
// it stores the latest position drawn, its candidate, with a bound. The statement
// that commits the candidate also reads it from the sequence. If it were read
// earlier, the server could crash in between and reset the sequence below the
// candidate, because no transaction had committed those positions. They would be drawn
// again, for later entries.

// gap is a range of positions that had no entry when the cursor passed them.
type gap struct {
	low, high int64
	bound     int64 // or noBound
}

// noBound is lower than every transaction id. The statement that writes the cursor
// replaces it with the id of its transaction.
const noBound = 0

// cursor is a cursor as it was when a batch was read, with what the snapshot of
// that read showed.
type cursor struct {
	position, settled, candidate, bound int64
	gaps                                []gap

	stored     storedCursor // as it was read
	xmin, xmax int64        // every transaction below xmin had ended, and none from xmax on had
	full       bool         // whether there may be more entries than the batch has
}

// storedCursor tells whether a cursor has moved since it was read.
type storedCursor struct {
	position, settled, candidate, bound int64
	gaps                                int
}

// dropForeignBounds replaces the bounds that are no ids of this server: the cursor
// was restored from a backup of another one. The transactions of that one have all
// ended, but a new bound is right too.
func (c *cursor) dropForeignBounds() {
	drop := func(bound *int64) {
		if *bound >= c.xmax {
			*bound = noBound
		}
	}
	drop(&c.bound)
	for i := range c.gaps {
		drop(&c.gaps[i].bound)
	}
}

// stuck returns whether the cursor has so many gaps that it does not advance, and
// some of them are closed or have no bound yet.
func (c cursor) stuck() bool {
	return len(c.gaps) > maxGaps && slices.ContainsFunc(c.gaps, func(g gap) bool { return g.bound == noBound || c.ended(g.bound) })
}

// ended returns whether every transaction below the bound had ended.
func (c cursor) ended(bound int64) bool { return bound != noBound && bound <= c.xmin }

// advanced returns the cursor after the first n entries of the batch.
func (c cursor) advanced(entries []carrierfsm.Entry, n int) cursor {
	positions := make([]int64, len(entries))
	for i, e := range entries {
		positions[i] = e.Position
	}
	if c.ended(c.bound) {
		c.settled, c.bound = max(c.settled, c.candidate), noBound
	}
	complete := int64(math.MaxInt64) // up to here the batch has all entries
	if c.full && len(positions) > 0 {
		complete = positions[len(positions)-1]
	}
	var gaps []gap
	for _, g := range c.gaps {
		for _, rest := range g.without(positions[:n]) {
			gaps = append(gaps, c.remaining(rest, positions[n:], complete)...)
		}
	}
	for _, position := range positions[:n] {
		if position <= c.position {
			continue // it was in a gap
		}
		if low := max(c.position, c.settled) + 1; low < position {
			gaps = append(gaps, gap{low, position - 1, noBound})
		}
		c.position = position
	}
	c.gaps = gaps
	return c
}

// without returns what is left of a gap after the entries at these positions,
// which ascend, have been passed.
func (g gap) without(positions []int64) (rest []gap) {
	for _, position := range positions {
		if position < g.low || position > g.high {
			continue
		}
		if g.low < position {
			rest = append(rest, gap{g.low, position - 1, g.bound})
		}
		g.low = position + 1
	}
	if g.low <= g.high {
		rest = append(rest, g)
	}
	return rest
}

// remaining returns what the cursor has to store of a gap: all of it until its
// bound has ended, and then only the positions of entries that are not passed yet.
// left are the positions of the batch that are not passed; the batch has all
// entries up to complete.
func (c cursor) remaining(g gap, left []int64, complete int64) (rest []gap) {
	if !c.ended(g.bound) {
		return []gap{g}
	}
	closed := min(g.high, complete) // up to here there will be no other entries
	for _, position := range left {
		if g.low <= position && position <= closed {
			rest = append(rest, gap{position, position, g.bound})
		}
	}
	if g.low = max(g.low, closed+1); g.low <= g.high {
		rest = append(rest, g)
	}
	return rest
}

// gapColumns returns the gaps as the table stores them.
func gapColumns(gaps []gap) (lows, highs, bounds []int64) {
	lows, highs, bounds = make([]int64, 0, len(gaps)), make([]int64, 0, len(gaps)), make([]int64, 0, len(gaps))
	for _, g := range gaps {
		lows, highs, bounds = append(lows, g.low), append(highs, g.high), append(bounds, g.bound)
	}
	return lows, highs, bounds
}

func gapsOf(lows, highs, bounds []int64) []gap {
	gaps := make([]gap, 0, len(lows))
	for i := range lows {
		gaps = append(gaps, gap{lows[i], highs[i], bounds[i]})
	}
	return slices.Clip(gaps)
}
