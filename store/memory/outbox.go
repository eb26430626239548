package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/lease"
)

// parkedKey names a parked row.
type parkedKey struct{ handler, id string }

// Lead implements carrierfsm.Outbox.
func (s *Store) Lead(ctx context.Context, name, owner string, lasts time.Duration, start carrierfsm.Start) (carrierfsm.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return carrierfsm.Lease{}, err
	}
	c, now := s.cursors[name], time.Now()
	if c == nil {
		c = new(lease.Cursor)
		if start == carrierfsm.FromNow {
			c.Position = s.log.last()
		}
		s.cursors[name] = c
	}
	if !c.Acquire(owner, now, now.Add(lasts)) {
		return carrierfsm.Lease{}, carrierfsm.ErrLedByOther
	}
	return carrierfsm.Lease{Name: name, Owner: owner, Fence: c.Fence}, nil
}

// Resign implements carrierfsm.Outbox.
func (s *Store) Resign(ctx context.Context, l carrierfsm.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c := s.cursors[l.Name]; c != nil && c.Fence == l.Fence {
		c.Owner, c.Until = "", time.Time{}
	}
	return nil
}

// Pending implements carrierfsm.Outbox.
func (s *Store) Pending(ctx context.Context, l carrierfsm.Lease, limit int) (b carrierfsm.Batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return b, err
	}
	c := s.cursors[l.Name]
	if c == nil {
		return b, carrierfsm.ErrLeaseLost
	}
	b.Parked = make(map[string]carrierfsm.Parked)
	for e := range s.log.after(c.Position) {
		if len(b.Entries) >= limit {
			break
		}
		next := e.withDetail()
		next.Position = e.position
		b.Entries = append(b.Entries, next)
		if row, ok := s.parked[parkedKey{l.Name, next.ID}]; ok {
			b.Parked[next.ID] = row
		}
	}
	return b, nil
}

// Advance implements carrierfsm.Outbox.
func (s *Store) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c := s.cursors[l.Name]
	if c == nil || c.Fence != l.Fence {
		return carrierfsm.ErrLeaseLost
	}
	if n > 0 {
		c.Position = b.Entries[n-1].Position
	}
	s.park(rows)
	return nil
}

// Park implements carrierfsm.Outbox.
func (s *Store) Park(ctx context.Context, rows []carrierfsm.Parked) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.park(rows)
	return nil
}

// park replaces, merges or deletes rows, as Outbox.Advance says.
func (s *Store) park(rows []carrierfsm.Parked) {
	for _, row := range rows {
		key := parkedKey{row.Handler, row.ID}
		row.Since, row.Next = truncated(row.Since), truncated(row.Next)
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
func merged(stored, row carrierfsm.Parked) carrierfsm.Parked {
	stored.Step = min(stored.Step, row.Step)
	stored.Upto = max(stored.Upto, row.Upto)
	stored.Attempts = min(stored.Attempts, row.Attempts)
	if row.Next.Before(stored.Next) {
		stored.Next = row.Next
	}
	stored.Version++
	return stored
}

// Parked implements carrierfsm.Outbox.
func (s *Store) Parked(ctx context.Context, q carrierfsm.ParkedQuery) ([]carrierfsm.Parked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	after := carrierfsm.Parked{Handler: q.After.Handler, ID: q.After.ID, Next: q.After.Next}
	var list []carrierfsm.Parked
	for _, row := range s.parked {
		matches := (q.Handler == "" || row.Handler == q.Handler) && (q.ID == "" || row.ID == q.ID) &&
			(q.NextBy.IsZero() || !row.Next.After(q.NextBy))
		if matches && (q.After == (carrierfsm.ParkedMark{}) || byNext(row, after) > 0) {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, byNext)
	return list[:min(cmp.Or(max(q.Limit, 0), defaultLimit), len(list))], nil
}

func byNext(a, b carrierfsm.Parked) int {
	return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.Handler, b.Handler), cmp.Compare(a.ID, b.ID))
}

// Cursors implements carrierfsm.Outbox.
func (s *Store) Cursors(ctx context.Context) ([]carrierfsm.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []carrierfsm.Cursor
	for _, name := range slices.Sorted(maps.Keys(s.cursors)) {
		stored := s.cursors[name]
		c := carrierfsm.Cursor{Name: name}
		if stored.Held(time.Now()) {
			c.Owner, c.Until = stored.Owner, truncated(stored.Until)
		}
		for e := range s.log.after(stored.Position) {
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
