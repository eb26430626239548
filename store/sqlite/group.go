package sqlite

import (
	"context"
	"errors"
	"slices"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/group"
)

// item is one creation or commit on its way.
type item struct {
	record  carrierfsm.Record
	entries []carrierfsm.Entry
	create  bool
}

// own returns the item with copies of what its caller lends.
func (i item) own() item {
	i.record.Body = slices.Clone(i.record.Body)
	i.entries = slices.Clone(i.entries)
	for n := range i.entries {
		i.entries[n].Detail = slices.Clone(i.entries[n].Detail)
	}
	return i
}

// newQueue is where writers wait while another writes: those that wait share
// the next transaction, and so its one sync of the disk.
func (s *Store) newQueue() *group.Queue[item] {
	return group.New(group.Config[item]{One: s.writeOne, Write: s.writeAll, Claim: item.claim, Keep: item.own})
}

func (i item) claim() group.Claim { return group.Claim{ID: i.record.ID, Key: i.record.Key} }

func (s *Store) writeOne(ctx context.Context, i item) error { return s.writeAll(ctx, []item{i})[0] }

// writeAll writes items in one transaction, and returns a verdict for each. An
// item that is refused has written nothing. Should anything else happen, all is
// undone, and each is written alone.
func (s *Store) writeAll(ctx context.Context, items []item) []error {
	verdicts := make([]error, len(items))
	undone := false
	err := s.writing(ctx, func(w writer) error {
		for i, it := range items {
			verdicts[i] = put(w, it)
			if verdicts[i] != nil && (len(items) == 1 || !refused(verdicts[i])) {
				undone = true
				return verdicts[i]
			}
		}
		return nil
	})
	if err == nil {
		return verdicts
	}
	for i := range items {
		verdicts[i] = err
		if undone && len(items) > 1 {
			verdicts[i] = s.writeAll(ctx, items[i:i+1])[0]
		}
	}
	return verdicts
}

func put(w writer, it item) error {
	if it.create {
		return create(w, it.record, it.entries)
	}
	return replace(w, it.record, it.entries)
}

// refused tells whether an item was refused, by which nothing was written.
func refused(err error) bool {
	for _, verdict := range []error{carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, carrierfsm.ErrNotFound, carrierfsm.ErrConflict} {
		if errors.Is(err, verdict) {
			return true
		}
	}
	return false
}
