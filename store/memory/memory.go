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

	// What the rows and entries share.
	columns shared[columns]
	edges   shared[edge]
	// Where bodies were.
	places places

	cursors map[string]*cursor
	parked  map[place]carrierfsm.Parked
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		rows: make(map[string]*row), keys: make(map[string]string),
		columns: make(shared[columns]), edges: make(shared[edge]),
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
	if s.taken(&r) {
		return carrierfsm.ErrKeyInUse
	}
	fresh := &row{id: r.ID, created: r.Created.UnixMicro(), due: never}
	if err := fresh.takes(entries); err != nil {
		return err
	}
	s.rows[r.ID] = fresh
	s.put(fresh, &r, entries)
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
	return row.whole(), nil
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
	var before []*entry
	if row := s.rows[r.ID]; row != nil {
		before = row.history
	}
	if err := s.commit(ctx, r, entries); err != nil {
		return err
	}
	for _, e := range before { // put has overwritten the body
		clear(e.detail)
		e.detail = nil
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
	case row.version != r.Version-1:
		return carrierfsm.ErrConflict
	case s.taken(&r):
		return carrierfsm.ErrKeyInUse
	}
	if err := row.takes(entries); err != nil {
		return err
	}
	s.put(row, &r, entries)
	return nil
}

// takes sees that the steps of the entries follow those of the row.
func (r *row) takes(entries []carrierfsm.Entry) error {
	last := 0
	if n := len(r.history); n > 0 {
		last = r.history[n-1].step
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
func (s *Store) taken(r *carrierfsm.Record) bool {
	if r.Key == "" {
		return false
	}
	holder, held := s.keys[r.Key]
	return held && holder != r.ID
}

// put replaces the record and appends the entries.
func (s *Store) put(row *row, r *carrierfsm.Record, entries []carrierfsm.Entry) {
	s.unindex(row)
	row.take(r, s.columns, &s.places)
	s.index(row)
	if len(entries) == 0 {
		return
	}
	kept := make([]entry, len(entries)) // one piece of memory
	row.history = slices.Grow(row.history, len(entries))
	for i := range entries {
		e := &entries[i]
		kept[i] = entry{
			row: row, step: e.Step, at: e.At.UnixMicro(), detail: slices.Clone(e.Detail),
			edge: s.edges.one(edge{e.From, e.Event, e.To}),
		}
		s.all.add(&kept[i])
		row.history = append(row.history, &kept[i])
	}
}

func (s *Store) index(r *row) {
	if r.key != "" {
		s.keys[r.key] = r.id
	}
	s.due.add(r)
}

func (s *Store) unindex(r *row) {
	if r.key != "" {
		delete(s.keys, r.key)
	}
	s.due.remove(r)
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
		if e.step > afterStep && len(list) < limit {
			list = append(list, e.whole())
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
		if row.columns.state.Terminal() && timeOf(row.updated).Before(before) {
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
		if at.id == row.id {
			delete(s.parked, at)
		}
	}
	s.unindex(row)
	s.places.give(row.body)
	delete(s.rows, row.id)
}

func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Truncate(time.Microsecond).UTC()
}
