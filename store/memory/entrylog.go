package memory

import "iter"

// entryLog has the entries of all histories in the order of their commits. A
// purged entry leaves its position empty; a position is never used twice.
type entryLog struct {
	trimmed int64    // positions at the beginning that are no longer in entries
	entries []*entry // the entry at position p has the index p-trimmed-1; nil if purged
}

// add gives the entry the next position.
func (l *entryLog) add(e *entry) {
	e.position = l.last() + 1
	l.entries = append(l.entries, e)
}

func (l *entryLog) remove(e *entry) {
	l.entries[e.position-l.trimmed-1] = nil
}

// trim frees the memory of the purged entries at the beginning.
func (l *entryLog) trim() {
	for len(l.entries) > 0 && l.entries[0] == nil {
		l.entries = l.entries[1:]
		l.trimmed++
	}
}

// after returns the entries after a position, in order.
func (l *entryLog) after(position int64) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		first := min(max(position-l.trimmed, 0), int64(len(l.entries)))
		for _, e := range l.entries[first:] {
			if e != nil && !yield(e) {
				return
			}
		}
	}
}

// last returns the last position that was used.
func (l *entryLog) last() int64 { return l.trimmed + int64(len(l.entries)) }
