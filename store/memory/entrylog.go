package memory

import (
	"cmp"
	"iter"
	"slices"
)

// entryLog has the entries of all histories in the order of their commits. A
// purged entry leaves its position empty; a position is never used twice.
type entryLog struct {
	trimmed int64  // positions at the beginning that are no longer in rows
	rows    []*row // the row of the entry at position p has the index p-trimmed-1; nil if purged
}

// add returns the next position, for an entry of a row.
func (l *entryLog) add(r *row) int64 {
	l.rows = append(l.rows, r)
	return l.last()
}

func (l *entryLog) remove(position int64) {
	l.rows[position-l.trimmed-1] = nil
}

// trim frees the memory of the purged entries at the beginning.
func (l *entryLog) trim() {
	for len(l.rows) > 0 && l.rows[0] == nil {
		l.rows = l.rows[1:]
		l.trimmed++
	}
}

// after returns the entries after a position, in order, and the row of each.
func (l *entryLog) after(position int64) iter.Seq2[*row, *entry] {
	return func(yield func(*row, *entry) bool) {
		first := min(max(position-l.trimmed, 0), int64(len(l.rows)))
		for i, r := range l.rows[first:] {
			if r != nil && !yield(r, r.entryAt(l.trimmed+first+int64(i)+1)) {
				return
			}
		}
	}
}

// last returns the last position that was used.
func (l *entryLog) last() int64 { return l.trimmed + int64(len(l.rows)) }

// entryAt returns the entry of the row that has this position.
func (r *row) entryAt(position int64) *entry {
	i, _ := slices.BinarySearchFunc(r.history, position, func(e entry, p int64) int { return cmp.Compare(e.position, p) })
	return &r.history[i]
}
