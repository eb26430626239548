package memory

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/lease"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// parkedKey names a parked row.
type parkedKey struct{ handler, id string }

// Acquire implements outbox.Outbox.
func (s *Store) Acquire(ctx context.Context, name, owner string, lasts time.Duration, start outbox.Start) (outbox.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return outbox.Lease{}, err
	}
	if err := legal.Lease(name, owner); err != nil {
		return outbox.Lease{}, err
	}
	c, now := s.cursors[name], time.Now()
	if c == nil {
		c = new(lease.Cursor)
		switch start {
		case outbox.FromBeginning:
		case outbox.FromNow:
			c.Position = s.log.last()
		default:
			for range s.log.after(0) {
				return outbox.Lease{}, outbox.ErrNoStart
			}
		}
		s.cursors[name] = c
		s.forgetFigures(name)
	}
	if !c.Acquire(owner, now, now.Add(lasts)) {
		return outbox.Lease{}, outbox.ErrLeaseHeld
	}
	return outbox.Lease{Name: name, Owner: owner, Fence: c.Fence}, nil
}

// Release implements outbox.Outbox.
func (s *Store) Release(ctx context.Context, l outbox.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if c := s.cursors[l.Name]; c != nil && c.Fence == l.Fence {
		c.Owner, c.Until = "", time.Time{}
	}
	return nil
}

// Retire deletes a cursor and its parked rows: see outbox.Outbox.
func (s *Store) Retire(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if c := s.cursors[name]; c != nil && c.Held(time.Now()) {
		return outbox.ErrLeaseHeld
	}
	delete(s.cursors, name)
	s.forgetFigures(name)
	for key := range s.parked {
		if key.handler == name {
			delete(s.parked, key)
		}
	}
	return nil
}

// Pending implements outbox.Outbox.
func (s *Store) Pending(ctx context.Context, l outbox.Lease, limit int) (b outbox.Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return b, err
	}
	c := s.cursors[l.Name]
	if c == nil {
		return b, outbox.ErrLeaseLost
	}
	b.Parked = make(map[string]outbox.Parked)
	for row, e := range s.log.after(c.Position) {
		if len(b.Entries) >= limit {
			break
		}
		next := row.withDetail(e)
		next.Position = e.position
		b.Entries = append(b.Entries, next)
		if parked, ok := s.parked[parkedKey{l.Name, next.ID}]; ok {
			parked.Failure = bytes.Clone(parked.Failure)
			b.Parked[next.ID] = parked
		}
	}
	return b, nil
}

// Advance implements outbox.Outbox.
func (s *Store) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	c := s.cursors[l.Name]
	if c == nil || c.Fence != l.Fence {
		return outbox.ErrLeaseLost
	}
	if err := legal.Parked(rows); err != nil {
		return err
	}
	if n > 0 {
		c.Position = b.Entries[n-1].Position
	}
	s.park(rows)
	return nil
}

// Park implements outbox.Outbox.
func (s *Store) Park(ctx context.Context, rows []outbox.Parked) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if err := legal.Parked(rows); err != nil {
		return err
	}
	s.park(rows)
	return nil
}

// park replaces, merges or deletes rows, as Outbox.Advance says.
func (s *Store) park(rows []outbox.Parked) {
	for _, row := range rows {
		key := parkedKey{row.Handler, row.ID}
		row.Since, row.Next, row.Failure = truncated(row.Since), truncated(row.Next), bytes.Clone(row.Failure)
		if stored, ok := s.parked[key]; ok && stored.Version != row.Version-1 {
			row = merged(stored, row)
		}
		if row.Step > row.Upto {
			delete(s.parked, key)
		} else {
			s.parked[key] = row
		}
	}
}

// merged combines two changes of one row, as Outbox.Advance says.
func merged(stored, row outbox.Parked) outbox.Parked {
	stored.Step = min(stored.Step, row.Step)
	stored.Upto = max(stored.Upto, row.Upto)
	stored.Attempts = min(stored.Attempts, row.Attempts)
	if row.Next.Before(stored.Next) {
		stored.Next = row.Next
	}
	stored.Version++
	return stored
}

// Parked implements outbox.Outbox.
func (s *Store) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	after := outbox.Parked{Handler: q.After.Handler, ID: q.After.ID, Next: q.After.Next}
	var list []outbox.Parked
	for _, row := range s.parked {
		matches := (q.Handler == "" || row.Handler == q.Handler) && (q.ID == "" || row.ID == q.ID) &&
			(len(q.IDs) == 0 || slices.Contains(q.IDs, row.ID)) && (q.NextBy.IsZero() || !row.Next.After(q.NextBy))
		if matches && (q.After == (outbox.ParkedKey{}) || byNext(row, after) > 0) {
			row.Failure = bytes.Clone(row.Failure)
			list = append(list, row)
		}
	}
	slices.SortFunc(list, byNext)
	return list[:min(cmp.Or(max(q.Limit, 0), defaultLimit), len(list))], nil
}

func byNext(a, b outbox.Parked) int {
	return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.Handler, b.Handler), cmp.Compare(a.ID, b.ID))
}

// Cursors implements outbox.Outbox.
func (s *Store) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var list []outbox.Cursor
	for _, name := range slices.Sorted(maps.Keys(s.cursors)) {
		stored := s.cursors[name]
		c := outbox.Cursor{Name: name}
		if stored.Held(time.Now()) {
			c.Owner, c.Until = stored.Owner, truncated(stored.Until)
		}
		for _, e := range s.log.after(stored.Position) {
			c.Behind = timeOf(e.at)
			break
		}
		for key := range s.parked {
			if key.handler == name {
				c.Parked++
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// truncated returns the time as a store on disk would return it.
func truncated(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Truncate(time.Microsecond).UTC()
}
