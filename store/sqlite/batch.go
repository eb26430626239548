package sqlite

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// item is one Create or Commit in the queue.
type item struct {
	write.Request
	create bool
}

func (i item) clone() item { return item{i.Clone(), i.create} }

// newQueue returns the queue of Create and Commit. One transaction writes all
// items that are queued, with a single sync of the disk.
func (s *Store) newQueue() *batch.Queue[item] {
	return batch.New(batch.Config[item]{WriteOne: s.writeOne, WriteBatch: s.writeBatch, Locks: item.Locks, Clone: item.clone})
}

func (s *Store) writeOne(ctx context.Context, i item) error { return s.writeBatch(ctx, []item{i})[0] }

// writeBatch writes the items in one transaction and returns an error for each.
// A refused item writes nothing. After any other error the transaction is rolled
// back and each item gets a transaction of its own.
func (s *Store) writeBatch(ctx context.Context, items []item) []error {
	errs := make([]error, len(items))
	rolledBack := false
	err := s.writeTx(ctx, func(x execer) error {
		for i, it := range items {
			errs[i] = s.put(x, it)
			if errs[i] != nil && (len(items) == 1 || !refused(errs[i])) {
				rolledBack = true
				return errs[i]
			}
		}
		return nil
	})
	if err == nil {
		return errs
	}
	for i := range items {
		errs[i] = err
		if rolledBack && len(items) > 1 {
			errs[i] = s.writeOne(ctx, items[i])
		}
	}
	return errs
}

func (s *Store) put(x execer, it item) error {
	if err := s.mayBegin(x, &it); err != nil {
		return err
	}
	if it.create {
		return create(x, it.Record, it.Entries)
	}
	return replace(x, it.Record, it.Entries)
}

// refused returns whether err is one of the errors after which an item has
// written nothing.
func refused(err error) bool {
	for _, refusal := range []error{carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, carrierfsm.ErrNotFound, carrierfsm.ErrConflict, carrierfsm.ErrMoved} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return errors.As(err, new(*budget.ExceededError))
}
