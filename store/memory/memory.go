// Package memory is a carrierfsm.Store in the memory of one process: for tests,
// for development, and for hosts that can lose everything. It follows the same
// rules as the stores on disk.
//
// It is a outbox.Outbox and a survey.Surveyor too. List, Survey and
// Purge look at every record in each call; the other methods cost no more with
// many records than with few.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/internal/lease"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

var (
	_ carrierfsm.Store = (*Store)(nil)
	_ outbox.Outbox    = (*Store)(nil)
)

// Store keeps records in maps. Create one with New. It is safe for concurrent
// use.
type Store struct {
	mu     sync.Mutex
	closed bool

	rows map[string]*row
	keys map[string]string // key → id
	due  dueIndex
	log  entryLog

	columns interned[columns]
	edges   interned[edge]
	buffers bufferPool

	ledgers map[string]budget.Ledger
	cursors map[string]*lease.Cursor
	parked  map[parkedKey]outbox.Parked
	acts    map[string]acts.Act
	figures map[figureKey]figures.Counts

	shard shardRow
	bound int64 // the epoch that writes require; 0 for any
}

// New returns an empty Store.
func New() *Store {
	return &Store{
		rows: make(map[string]*row), keys: make(map[string]string),
		columns: make(interned[columns]), edges: make(interned[edge]),
		ledgers: make(map[string]budget.Ledger),
		cursors: make(map[string]*lease.Cursor), parked: make(map[parkedKey]outbox.Parked),
		acts:    make(map[string]acts.Act),
		figures: make(map[figureKey]figures.Counts),
	}
}

// Close makes every later call return carrierfsm.ErrClosed. What the store holds
// stays in memory for as long as the Store does. Closing again is no error.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// usable returns why a call can't be made: the store is closed, or ctx has ended.
func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return carrierfsm.ErrClosed
	}
	return ctx.Err()
}

// Create implements carrierfsm.Store.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if err := legal.Write(&r, entries); err != nil {
		return err
	}
	if s.rows[r.ID] != nil {
		return carrierfsm.ErrExists
	}
	if err := s.mayBegin(&r, nil); err != nil {
		return err
	}
	if s.keyTaken(&r) {
		return carrierfsm.ErrKeyInUse
	}
	row := &row{id: r.ID, created: r.Created.UnixMicro(), due: never}
	if err := row.checkSteps(entries); err != nil {
		return err
	}
	if err := s.spend(&r); err != nil {
		return err
	}
	s.rows[r.ID] = row
	s.put(row, &r, entries)
	return nil
}

// Load implements carrierfsm.Store.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return carrierfsm.Record{}, err
	}
	row := s.rows[id]
	if row == nil {
		return carrierfsm.Record{}, carrierfsm.ErrNotFound
	}
	return row.recordWithBody(), nil
}

// Commit implements carrierfsm.Store.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(ctx, r, entries)
}

// Erase implements carrierfsm.Store.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(ctx, r, entries); err != nil {
		return err
	}
	history := s.rows[r.ID].history
	for i := range history[:len(history)-len(entries)] { // put has overwritten the body
		clear(history[i].detail)
		history[i].detail = nil
	}
	for key, row := range s.parked {
		if key.id == r.ID {
			clear(row.Failure)
			row.Failure = nil
			s.parked[key] = row
		}
	}
	return nil
}

// Reseal does what Commit does without entries and replaces the details of earlier
// ones: see carrierfsm.Machine.Reseal.
func (s *Store) Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := legal.Write(&r, details); err != nil {
		return err
	}
	if err := s.commit(ctx, r, nil); err != nil {
		return err
	}
	history := s.rows[r.ID].history
	for i := range history {
		e := &history[i]
		for i := range details {
			if details[i].Step == e.step {
				e.detail = bytes.Clone(details[i].Detail)
			}
		}
	}
	return nil
}

func (s *Store) commit(ctx context.Context, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if err := s.current(ctx); err != nil {
		return err
	}
	row := s.rows[r.ID]
	if row == nil {
		return carrierfsm.ErrNotFound
	}
	if err := legal.Write(&r, entries); err != nil {
		return err
	}
	if row.version != r.Version-1 || r.Previous != [16]byte{} && r.Previous != row.commit {
		return carrierfsm.ErrConflict
	}
	if err := s.mayBegin(&r, row); err != nil {
		return err
	}
	if s.keyTaken(&r) {
		return carrierfsm.ErrKeyInUse
	}
	if err := row.checkSteps(entries); err != nil {
		return err
	}
	if err := s.spend(&r); err != nil {
		return err
	}
	s.put(row, &r, entries)
	return nil
}

// checkSteps returns an error unless the steps of the entries ascend and are
// higher than those of the history.
func (r *row) checkSteps(entries []carrierfsm.Entry) error {
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

// keyTaken returns whether another record has the key.
func (s *Store) keyTaken(r *carrierfsm.Record) bool {
	if r.Key == "" {
		return false
	}
	id, ok := s.keys[r.Key]
	return ok && id != r.ID
}

// put replaces the record and appends the entries.
func (s *Store) put(row *row, r *carrierfsm.Record, entries []carrierfsm.Entry) {
	s.unindex(row)
	row.set(r, s.columns, &s.buffers)
	s.index(row)
	if len(entries) == 0 {
		return
	}
	history := make([]entry, len(row.history), len(row.history)+len(entries)) // no room is left over
	copy(history, row.history)
	for i := range entries {
		e := &entries[i]
		history = append(history, entry{
			step: e.Step, at: e.At.UnixMicro(), position: s.log.add(row), detail: slices.Clone(e.Detail),
			edge: s.edges.pointer(edge{e.From, e.Event, e.To, e.Source}), dwell: e.Dwell.Microseconds(),
		})
	}
	row.history = history
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

// History implements carrierfsm.Store.
func (s *Store) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	row := s.rows[id]
	if row == nil {
		return nil, nil
	}
	var list []carrierfsm.Entry
	for i := range row.history {
		if e := &row.history[i]; e.step > afterStep && len(list) < limit {
			list = append(list, row.withDetail(e))
		}
	}
	return list, nil
}

// Purge implements carrierfsm.Store.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	n, _, err := s.purge(ctx, before, limit, func(*row) bool { return false })
	return n, err
}

// PurgeDelivered is Purge without what a handler needs: see outbox.Outbox.
func (s *Store) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	var parked map[string]bool
	passed := int64(math.MaxInt64) // by every cursor
	return s.purge(ctx, before, limit, func(r *row) bool {
		if parked == nil { // under the lock
			parked = make(map[string]bool)
			for key := range s.parked {
				parked[key.id] = true
			}
			for _, c := range s.cursors {
				passed = min(passed, c.Position)
			}
		}
		n := len(r.history)
		return parked[r.id] || n > 0 && r.history[n-1].position > passed
	})
}

// purge deletes what has ended and is not needed.
func (s *Store) purge(ctx context.Context, before time.Time, limit int, needed func(*row) bool) (deleted, kept int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return 0, 0, err
	}
	for _, row := range s.rows {
		if deleted >= limit {
			break
		}
		switch {
		case !row.columns.state.Terminal() || !timeOf(row.updated).Before(before):
		case needed(row):
			kept = min(kept+1, limit)
		default:
			s.delete(row)
			deleted++
		}
	}
	s.log.trim()
	return deleted, kept, nil
}

// delete deletes a record with its history and its parked rows.
func (s *Store) delete(row *row) {
	for i := range row.history {
		s.log.remove(row.history[i].position)
	}
	for key := range s.parked {
		if key.id == row.id {
			delete(s.parked, key)
		}
	}
	s.unindex(row)
	s.buffers.put(row.body)
	delete(s.rows, row.id)
}
