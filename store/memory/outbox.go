package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// cursor is how far a handler has come, and who leads it.
type cursor struct {
	position int64
	owner    string
	until    time.Time
	fence    int64
}

// place is where a parked row stands.
type place struct{ handler, id string }

// Lead is carrierfsm.Outbox's.
func (s *Store) Lead(ctx context.Context, name, owner string, lasts time.Duration, start carrierfsm.Start) (carrierfsm.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return carrierfsm.Lease{}, err
	}
	c, now := s.cursors[name], time.Now()
	if c == nil {
		c = new(cursor)
		if start == carrierfsm.FromNow {
			c.position = s.all.end()
		}
		s.cursors[name] = c
	}
	if c.owner != owner {
		if c.owner != "" && now.Before(c.until) {
			return carrierfsm.Lease{}, carrierfsm.ErrLedByOther
		}
		c.owner = owner
		c.fence++
	}
	c.until = now.Add(lasts)
	return carrierfsm.Lease{Name: name, Owner: owner, Fence: c.fence}, nil
}

// Resign is carrierfsm.Outbox's.
func (s *Store) Resign(ctx context.Context, l carrierfsm.Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if c := s.cursors[l.Name]; c != nil && c.fence == l.Fence {
		c.owner, c.until = "", time.Time{}
	}
	return nil
}

// Pending is carrierfsm.Outbox's.
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
	for e := range s.all.behind(c.position) {
		if len(b.Entries) >= limit {
			break
		}
		next := e.whole()
		next.Position = e.position
		b.Entries = append(b.Entries, next)
		if row, parked := s.parked[place{l.Name, next.ID}]; parked {
			b.Parked[next.ID] = row
		}
	}
	return b, nil
}

// Advance is carrierfsm.Outbox's.
func (s *Store) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c := s.cursors[l.Name]
	if c == nil || c.fence != l.Fence {
		return carrierfsm.ErrLeaseLost
	}
	if n > 0 {
		c.position = b.Entries[n-1].Position
	}
	s.park(rows)
	return nil
}

// Park is carrierfsm.Outbox's.
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
		at := place{row.Handler, row.ID}
		row.Since, row.Next = micro(row.Since), micro(row.Next)
		if stored, known := s.parked[at]; known && stored.Version != row.Version-1 {
			row = merged(stored, row)
		}
		if row.Step > row.Upto {
			delete(s.parked, at)
		} else {
			s.parked[at] = row
		}
	}
}

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

// Parked is carrierfsm.Outbox's.
func (s *Store) Parked(ctx context.Context, q carrierfsm.ParkedQuery) ([]carrierfsm.Parked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	after := carrierfsm.Parked{Handler: q.After.Handler, ID: q.After.ID, Next: q.After.Next}
	var list []carrierfsm.Parked
	for _, row := range s.parked {
		wanted := (q.Handler == "" || row.Handler == q.Handler) && (q.ID == "" || row.ID == q.ID) &&
			(q.NextBy.IsZero() || !row.Next.After(q.NextBy))
		if wanted && (q.After == (carrierfsm.ParkedMark{}) || byNext(row, after) > 0) {
			list = append(list, row)
		}
	}
	slices.SortFunc(list, byNext)
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	return list[:min(limit, len(list))], nil
}

func byNext(a, b carrierfsm.Parked) int {
	return cmp.Or(a.Next.Compare(b.Next), cmp.Compare(a.Handler, b.Handler), cmp.Compare(a.ID, b.ID))
}

// Cursors is carrierfsm.Outbox's.
func (s *Store) Cursors(ctx context.Context) ([]carrierfsm.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []carrierfsm.Cursor
	for _, name := range slices.Sorted(maps.Keys(s.cursors)) {
		c := s.cursors[name]
		shown := carrierfsm.Cursor{Name: name}
		if c.owner != "" && time.Now().Before(c.until) {
			shown.Owner, shown.Until = c.owner, micro(c.until)
		}
		for e := range s.all.behind(c.position) {
			shown.Behind = timeOf(e.at)
			break
		}
		for at := range s.parked {
			if at.handler == name {
				shown.Parked++
			}
		}
		list = append(list, shown)
	}
	return list, nil
}
