package carrierfsm

import "sync"

// draft is a decision as it is handed to a store. Its room is used again: a
// store copies what it keeps before it returns.
type draft struct {
	record  Record
	entries []Entry

	text  []byte // what the record and the entries are made of
	plain []byte // what is being sealed or opened
	place []byte // what that is bound to
	// failed tells that a store returned an error. Perhaps it is still at it, so
	// the room is left alone.
	failed bool
}

// mostRoom is how large a draft's room may be for it to be used again.
const mostRoom = 16 << 10

var drafts = sync.Pool{New: func() any { return &draft{text: make([]byte, 0, 1024)} }}

func newDraft() *draft {
	d, _ := drafts.Get().(*draft)
	return d
}

// release leaves nothing in the room of what was there: the next verification
// is another person's.
func (d *draft) release() {
	if d.failed || cap(d.text)+cap(d.plain) > mostRoom {
		return
	}
	for _, room := range [...][]byte{d.text, d.plain, d.place} {
		clear(room[:cap(room)])
	}
	clear(d.entries)
	d.record, d.entries = Record{}, d.entries[:0]
	d.text, d.plain, d.place = d.text[:0], d.plain[:0], d.place[:0]
	drafts.Put(d)
}

// encode writes a decision down.
func (c codec) encode(d *decision) (*draft, error) {
	if d.err != nil {
		return nil, d.err
	}
	w := newDraft()
	if err := c.seal(&d.opened, w); err != nil {
		return nil, err
	}
	w.record.CommitID = newCommitID()
	for i := range d.transitions {
		e, err := c.entry(&d.transitions[i], w)
		if err != nil {
			return nil, err
		}
		w.entries = append(w.entries, e)
	}
	return w, nil
}
