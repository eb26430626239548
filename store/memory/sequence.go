package memory

import "iter"

// sequence is all histories in the order of their commits. It forgets its
// beginning once all of that is purged; a place is never given twice.
type sequence struct {
	gone    int64    // how many places are forgotten
	entries []*entry // by position-gone-1; nil where purged
}

// add gives the entry the next place.
func (s *sequence) add(e *entry) {
	e.position = s.gone + int64(len(s.entries)) + 1
	s.entries = append(s.entries, e)
}

func (s *sequence) remove(e *entry) {
	s.entries[e.position-s.gone-1] = nil
}

// forget lets go of the beginning that is purged.
func (s *sequence) forget() {
	for len(s.entries) > 0 && s.entries[0] == nil {
		s.entries = s.entries[1:]
		s.gone++
	}
}

// behind are the entries behind a place, in order.
func (s *sequence) behind(after int64) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		first := min(max(after-s.gone, 0), int64(len(s.entries)))
		for _, e := range s.entries[first:] {
			if e != nil && !yield(e) {
				return
			}
		}
	}
}

// end is the latest place that was given.
func (s *sequence) end() int64 { return s.gone + int64(len(s.entries)) }
