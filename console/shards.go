package console

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// partial returns the error of a read that some shards did not answer; nil for any
// other. What the others have is shown.
func partial(err error) *carrierfsm.ShardsError {
	var some *carrierfsm.ShardsError
	errors.As(err, &some)
	return some
}

// handlerCursor is how far a handler has come: as a whole, and on each shard of a store
// that has some.
type handlerCursor struct {
	outbox.Cursor
	Shards []outbox.Cursor
}

// byHandler merges the cursors of each handler, which are beside each other: the oldest
// Behind, all that are parked, and an Owner only where each shard has one.
func byHandler(cursors []outbox.Cursor) (list []handlerCursor) {
	for _, c := range cursors {
		if c.Shard == "" {
			list = append(list, handlerCursor{Cursor: c})
			continue
		}
		if n := len(list); n > 0 && list[n-1].Name == c.Name {
			list[n-1].add(c)
			continue
		}
		h := handlerCursor{Cursor: c, Shards: []outbox.Cursor{c}}
		h.Shard = ""
		list = append(list, h)
	}
	return list
}

func (h *handlerCursor) add(c outbox.Cursor) {
	h.Shards = append(h.Shards, c)
	h.Parked += c.Parked
	switch {
	case h.Owner == "" || c.Owner == "":
		h.Owner = ""
	case h.Owner != c.Owner:
		h.Owner = "several replicas"
	}
	h.Until = time.Time{}
	if behind := []time.Time{h.Behind, c.Behind}; !h.Behind.IsZero() && !c.Behind.IsZero() {
		h.Behind = slices.MinFunc(behind, time.Time.Compare)
	} else {
		h.Behind = cmp.Or(h.Behind, c.Behind)
	}
}
