package carrierfsm

import "context"

// errand is what a batch holds for one verification.
type errand struct {
	entries []Entry
	at      []int // their places in the batch

	done int     // how many have been seen to, by delivering or by parking
	row  *Parked // what to store, nil for nothing
}

// errands sorts a batch by verification, in the order of their first entries.
func errands(b Batch) []*errand {
	byID := make(map[string]*errand)
	var list []*errand
	for i, e := range b.Entries {
		known := byID[e.ID]
		if known == nil {
			known = new(errand)
			byID[e.ID] = known
			list = append(list, known)
		}
		known.entries = append(known.entries, e)
		known.at = append(known.at, i)
	}
	return list
}

// deliver hands a batch to the handler. It returns how many entries, from the
// first on without a gap, have been seen to, and the rows of verifications
// that are parked now.
func (r *reign) deliver(ctx context.Context, b Batch) (n int, rows []Parked) {
	list := errands(b)
	r.sideBySide(len(list), func(i int) {
		if row, parked := b.Parked[list[i].entries[0].ID]; parked {
			list[i].join(row)
		} else {
			r.do(ctx, list[i])
		}
	})
	seen := make([]bool, len(b.Entries))
	for _, e := range list {
		for _, at := range e.at[:e.done] {
			seen[at] = true
		}
		if e.row != nil {
			rows = append(rows, *e.row)
		}
	}
	for n < len(seen) && seen[n] {
		n++
	}
	return n, rows
}

// join leaves the entries to those that the verification is parked with.
func (e *errand) join(row Parked) {
	e.done = len(e.entries)
	if last := e.entries[e.done-1].Step; last > row.Upto {
		row.Upto = last
		row.Version++
		e.row = &row
	}
}

// do delivers one entry after the other. At the first failure the verification
// is parked, with all that is left. It stops early when ctx ends.
func (r *reign) do(ctx context.Context, e *errand) {
	for i, entry := range e.entries {
		if ctx.Err() != nil || !r.leads() {
			return
		}
		if why := r.hand(ctx, entry); why != "" {
			e.done = len(e.entries)
			e.row = &Parked{
				Handler: r.name, ID: entry.ID, Step: entry.Step, Upto: e.entries[e.done-1].Step,
				Attempts: 1, Why: why, Since: r.now(), Next: r.retryAt(1), Version: anyVersion(),
			}
			return
		}
		e.done = i + 1
	}
}
