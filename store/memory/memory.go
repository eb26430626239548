// Package memory is a carrierfsm.Store in the memory of one process: for
// tests, for development, and for hosts that can lose everything. It is as
// strict as the stores on disk.
//
// It has the powers carrierfsm.Outbox and carrierfsm.Surveyor. List, Survey and
// Purge look at every record at each call; the other methods cost no more with
// many records than with few.
package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var (
	_ carrierfsm.Store  = (*Store)(nil)
	_ carrierfsm.Outbox = (*Store)(nil)
)

// Store keeps records in maps. The zero value is not usable; call New. It is
// safe for concurrent use.
type Store struct {
	mu   sync.Mutex
	rows map[string]*row
	keys map[string]string // key → id
	due  timeline
	all  sequence

	cursors map[string]*cursor
	parked  map[place]carrierfsm.Parked
}

// row is one record with its history, oldest entry first.
type row struct {
	record  carrierfsm.Record
	history []*carrierfsm.Entry
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		rows: make(map[string]*row), keys: make(map[string]string),
		cursors: make(map[string]*cursor), parked: make(map[place]carrierfsm.Parked),
	}
}

// Create is carrierfsm.Store's.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.rows[r.ID] != nil {
		return carrierfsm.ErrExists
	}
	if s.taken(r) {
		return carrierfsm.ErrKeyInUse
	}
	fresh := new(row)
	if err := fresh.takes(entries); err != nil {
		return err
	}
	s.rows[r.ID] = fresh
	s.put(r, entries)
	return nil
}

// Load is carrierfsm.Store's.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return carrierfsm.Record{}, err
	}
	row := s.rows[id]
	if row == nil {
		return carrierfsm.Record{}, carrierfsm.ErrNotFound
	}
	return copyOf(row.record), nil
}

// Commit is carrierfsm.Store's.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(ctx, r, entries)
}

// Erase is carrierfsm.Store's.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var before row
	if row := s.rows[r.ID]; row != nil {
		before = *row
	}
	if err := s.commit(ctx, r, entries); err != nil {
		return err
	}
	clear(before.record.Body)
	for _, e := range before.history {
		clear(e.Detail)
		e.Detail = nil
	}
	return nil
}

func (s *Store) commit(ctx context.Context, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	row := s.rows[r.ID]
	switch {
	case row == nil:
		return carrierfsm.ErrNotFound
	case row.record.Version != r.Version-1:
		return carrierfsm.ErrConflict
	case s.taken(r):
		return carrierfsm.ErrKeyInUse
	}
	if err := row.takes(entries); err != nil {
		return err
	}
	r.Created = row.record.Created
	s.put(r, entries)
	return nil
}

// takes sees that the steps of the entries follow those of the row.
func (r *row) takes(entries []carrierfsm.Entry) error {
	last := 0
	if n := len(r.history); n > 0 {
		last = r.history[n-1].Step
	}
	for _, e := range entries {
		if e.Step <= last {
			return fmt.Errorf("carrierfsm/memory: an entry of step %d after step %d", e.Step, last)
		}
		last = e.Step
	}
	return nil
}

// taken tells whether another record holds the key.
func (s *Store) taken(r carrierfsm.Record) bool {
	holder, held := s.keys[r.Key]
	return r.Key != "" && held && holder != r.ID
}

// put replaces the record and appends the entries.
func (s *Store) put(r carrierfsm.Record, entries []carrierfsm.Entry) {
	row := s.rows[r.ID]
	s.unindex(row.record)
	row.record = kept(r)
	s.index(row.record)
	for _, e := range entries {
		e.Detail = slices.Clone(e.Detail)
		e.At = micro(e.At)
		s.all.add(&e)
		row.history = append(row.history, &e)
	}
}

func (s *Store) index(r carrierfsm.Record) {
	if r.Key != "" {
		s.keys[r.Key] = r.ID
	}
	s.due.add(r.Due, r.ID)
}

func (s *Store) unindex(r carrierfsm.Record) {
	if r.Key != "" {
		delete(s.keys, r.Key)
	}
	s.due.remove(r.Due, r.ID)
}

// History is carrierfsm.Store's.
func (s *Store) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	row := s.rows[id]
	if row == nil {
		return nil, nil
	}
	var list []carrierfsm.Entry
	for _, e := range row.history {
		if e.Step > afterStep && len(list) < limit {
			list = append(list, entryOf(e, 0))
		}
	}
	return list, nil
}

// Purge is carrierfsm.Store's.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n := 0
	for _, row := range s.rows {
		if n >= limit {
			break
		}
		if row.record.State.Terminal() && row.record.Updated.Before(before) {
			s.drop(row)
			n++
		}
	}
	s.all.forget()
	return n, nil
}

// drop deletes a record with its history.
func (s *Store) drop(row *row) {
	for _, e := range row.history {
		s.all.remove(e)
	}
	for at := range s.parked {
		if at.id == row.record.ID {
			delete(s.parked, at)
		}
	}
	s.unindex(row.record)
	delete(s.rows, row.record.ID)
}

// kept is a record as the store keeps it: its own body, times as all stores have them.
func kept(r carrierfsm.Record) carrierfsm.Record {
	r.Due, r.Created, r.Updated = micro(r.Due), micro(r.Created), micro(r.Updated)
	return copyOf(r)
}

func copyOf(r carrierfsm.Record) carrierfsm.Record {
	r.Body = slices.Clone(r.Body)
	return r
}

func entryOf(e *carrierfsm.Entry, position int64) carrierfsm.Entry {
	c := *e
	c.Detail = slices.Clone(e.Detail)
	c.Position = position
	return c
}

func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Truncate(time.Microsecond).UTC()
}
