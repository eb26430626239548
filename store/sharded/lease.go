package sharded

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
)

// The outbox of all shards together, for callers that do not work on each shard apart, as
// the dispatcher does. Its lease is the leases of all shards, and its fence their sum, which
// grows with each of them. A batch is of one shard, so that Advance is one commit.

// leases are the leases that were acquired by this Store.
type leases struct {
	mu   sync.Mutex
	held map[outbox.Lease][]outbox.Lease // by shard
}

func (l *leases) of(lease outbox.Lease) []outbox.Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held[lease]
}

// put keeps the parts of a lease, instead of those of earlier ones of the name.
func (l *leases) put(parts []outbox.Lease) (whole outbox.Lease) {
	whole = parts[0]
	for _, p := range parts[1:] {
		whole.Fence += p.Fence
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[outbox.Lease][]outbox.Lease)
	}
	for old := range l.held {
		if old.Name == whole.Name && old.Owner == whole.Owner {
			delete(l.held, old)
		}
	}
	l.held[whole] = parts
	return whole
}

// Acquire implements outbox.Outbox. It acquires the leases of all shards or none.
func (s *Store) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	there, err := s.cursorsOf(ctx, name)
	if err != nil {
		return outbox.Lease{}, err
	}
	var parts []outbox.Lease
	for i, m := range s.members {
		l, err := m.Acquire(ctx, name, owner, ttl, start)
		if err != nil {
			s.giveBack(context.WithoutCancel(ctx), there[:i], parts, errors.Is(err, outbox.ErrNoStart))
			return outbox.Lease{}, err
		}
		parts = append(parts, l)
	}
	return s.leases.put(parts), nil
}

// cursorsOf returns the cursor of a name on each shard; one without a name where there is
// none.
func (s *Store) cursorsOf(ctx context.Context, name string) ([]outbox.Cursor, error) {
	return gather(ctx, s, func(ctx context.Context, m *member) (c outbox.Cursor, err error) {
		list, err := m.Cursors(ctx)
		for _, one := range list {
			if one.Name == name {
				c = one
			}
		}
		return c, err
	})
}

// giveBack releases the leases that were acquired before another one could not be,
// except those that the owner had. What fails expires. With undo it deletes the cursors
// that were not there before.
func (s *Store) giveBack(ctx context.Context, before []outbox.Cursor, parts []outbox.Lease, undo bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for i, l := range parts {
		if before[i].Owner == l.Owner {
			continue
		}
		_ = s.members[i].Release(ctx, l)
		if undo && before[i].Name == "" {
			_ = s.members[i].Retire(ctx, l.Name)
		}
	}
}

// partsOf returns the leases of the shards. Those of a lease that another Store has
// acquired are looked up: its owner must hold all of them. To get their fences they are
// renewed, but only until they would have ended anyway.
func (s *Store) partsOf(ctx context.Context, l outbox.Lease) ([]outbox.Lease, error) {
	if parts := s.leases.of(l); parts != nil {
		return parts, nil
	}
	there, err := s.cursorsOf(ctx, l.Name)
	if err != nil {
		return nil, err
	}
	var parts []outbox.Lease
	for i, c := range there {
		if c.Owner != l.Owner || l.Owner == "" {
			return nil, outbox.ErrLeaseLost
		}
		part, err := s.members[i].Acquire(ctx, l.Name, l.Owner, time.Until(c.Until), 0)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if s.leases.put(parts) != l {
		return nil, outbox.ErrLeaseLost
	}
	return parts, nil
}

// Release implements outbox.Outbox.
func (s *Store) Release(ctx context.Context, l outbox.Lease) error {
	parts := s.leases.of(l)
	if parts == nil {
		return s.members[0].Release(ctx, outbox.Lease{Name: l.Name, Owner: l.Owner}) // only whether it could
	}
	errs := make([]error, len(parts))
	for i, p := range parts {
		errs[i] = s.members[i].Release(ctx, p)
	}
	return s.joined(ctx, errs)
}

// batch is the State of a batch of one shard.
type batch struct {
	shard int
	state any
}

// Pending implements outbox.Outbox. It returns entries of one shard, of the first that
// has some.
func (s *Store) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	parts, err := s.partsOf(ctx, l)
	if err != nil {
		return outbox.Batch{}, err
	}
	errs := make([]error, len(parts))
	for i, p := range parts {
		var b outbox.Batch
		b, errs[i] = s.members[i].Pending(ctx, p, limit)
		if len(b.Entries) > 0 {
			b.State = batch{shard: i, state: b.State}
			return b, nil
		}
		if errors.Is(errs[i], outbox.ErrLeaseLost) {
			return outbox.Batch{}, outbox.ErrLeaseLost
		}
	}
	return outbox.Batch{}, s.joined(ctx, errs)
}

// Advance implements outbox.Outbox. Rows of other shards than the batch's are written
// after it, those of each shard together.
func (s *Store) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	parts, err := s.partsOf(ctx, l)
	if err != nil {
		return err
	}
	divided := s.byShard(rows)
	if of, ok := b.State.(batch); ok {
		b.State = of.state
		m := s.members[of.shard]
		if err := m.Advance(ctx, parts[of.shard], b, n, divided[m]); err != nil {
			return err
		}
		delete(divided, m)
	} else if n > 0 {
		return invalid("the batch was not returned by Pending of this store")
	}
	for i, m := range s.members {
		if list := divided[m]; len(list) > 0 || len(rows) == 0 && n <= 0 {
			if err := m.Advance(ctx, parts[i], outbox.Batch{}, 0, list); err != nil {
				return err
			}
		}
	}
	return nil
}
