package memory

import (
	"iter"

	"github.com/carrierfsm/carrierfsm"
)

// outbox is all histories in the order of their commits. It forgets its
// beginning once all of that is purged; a place is never given twice.
type outbox struct {
	gone    int64               // how many places are forgotten
	entries []*carrierfsm.Entry // by Position-gone-1; nil where purged
}

// add gives the entry the next place.
func (o *outbox) add(e *carrierfsm.Entry) {
	e.Position = o.gone + int64(len(o.entries)) + 1
	o.entries = append(o.entries, e)
}

func (o *outbox) remove(e *carrierfsm.Entry) {
	o.entries[e.Position-o.gone-1] = nil
}

// forget lets go of the beginning that is purged.
func (o *outbox) forget() {
	for len(o.entries) > 0 && o.entries[0] == nil {
		o.entries = o.entries[1:]
		o.gone++
	}
}

// behind are the entries behind a place, in order.
func (o *outbox) behind(after int64) iter.Seq[*carrierfsm.Entry] {
	return func(yield func(*carrierfsm.Entry) bool) {
		first := min(max(after-o.gone, 0), int64(len(o.entries)))
		for _, e := range o.entries[first:] {
			if e != nil && !yield(e) {
				return
			}
		}
	}
}
