package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

const recordColumns = `v.id, v.state, v.step, v.version, v.tables, v.source, v.reason, v.in_flight, v.due, v.created, v.updated, v.key, v.commit_id`

const entryColumns = `position, id, step, from_, event, to_, at, source, dwell, detail`

const recordsWithBody = `SELECT ` + recordColumns + `, b.body FROM carrierfsm_verifications v JOIN carrierfsm_bodies b USING (id) `

const loadRecord = recordsWithBody + `WHERE v.id = ?`

const readHistory = `SELECT ` + entryColumns + ` FROM carrierfsm_history WHERE id = ? AND step > ? ORDER BY step LIMIT ?`

const readPending = `SELECT ` + entryColumns + ` FROM carrierfsm_history
	WHERE position > (SELECT c.position FROM carrierfsm_cursors c WHERE c.name = ?) ORDER BY position LIMIT ?`

const readDue = recordsWithBody + `WHERE v.due > 0 AND v.due <= ? AND (v.due, v.id) > (?, ?) ORDER BY v.due, v.id LIMIT ?`

// defaultLimit is the number of rows that a query without a limit returns.
const defaultLimit = 100

// Load implements carrierfsm.Store. In a store made by Open, ctx limits only how
// long Load waits for a connection; the read itself is short.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.load(ctx, id)
	if s.epoch == 0 || err != nil && !errors.Is(err, carrierfsm.ErrNotFound) {
		return r, err
	}
	// Bound to an epoch: after a move, what is here is old.
	_, epoch, _, failed := s.Shard(ctx)
	if failed == nil && epoch != s.epoch {
		failed = carrierfsm.ErrMoved
	}
	if failed != nil {
		return carrierfsm.Record{}, failed
	}
	return r, err
}

func (s *Store) load(ctx context.Context, id string) (r carrierfsm.Record, err error) {
	if s.fastWriter != nil {
		r, err = s.loadFast(ctx, id)
		return r, wrap(err)
	}
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return r, err
	}
	defer done(&err)
	if !legal.ID(id) {
		return r, carrierfsm.ErrNotFound
	}
	rows, err := s.prepared.load.QueryContext(ctx, id)
	list, err := collect(rows, err, scanRecordWithBody)
	if err != nil {
		return carrierfsm.Record{}, err
	}
	if len(list) == 0 {
		return carrierfsm.Record{}, carrierfsm.ErrNotFound
	}
	return list[0], nil
}

// loadFast loads on the writer's connection while no write is running: that
// connection has the current pages in its cache, the others have to read them
// again after each commit.
func (s *Store) loadFast(ctx context.Context, id string) (carrierfsm.Record, error) {
	if err := s.enter(ctx); err != nil {
		return carrierfsm.Record{}, err
	}
	defer s.leave()
	if !legal.ID(id) {
		return carrierfsm.Record{}, carrierfsm.ErrNotFound
	}
	if unlock, ok := s.tryLockWrites(); ok {
		defer unlock()
		return s.fastWriter.loader.load(id)
	}
	return s.loaders.load(ctx, s.calls.Closing(), id)
}

// History implements carrierfsm.Store.
func (s *Store) History(ctx context.Context, id string, afterStep, limit int) (list []carrierfsm.Entry, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	if !legal.ID(id) {
		return nil, nil
	}
	rows, err := s.prepared.history.QueryContext(ctx, id, legal.Step(afterStep), max(limit, 0))
	list, err = collect(rows, err, scanEntry)
	for i := range list {
		list[i].Position = 0 // only Pending returns it
	}
	return list, err
}

// Due implements carrierfsm.Store.
func (s *Store) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) (list []carrierfsm.Record, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	rows, err := s.prepared.due.QueryContext(ctx, micros(legal.Floor(now)), micros(legal.Floor(after.Time)), legal.KeyID(after.ID), max(limit, 0))
	return collect(rows, err, scanRecordWithBody)
}

// List implements carrierfsm.Store.
func (s *Store) List(ctx context.Context, q carrierfsm.Query) (list []carrierfsm.Record, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	query, args := listQuery(q)
	rows, err := s.readDB.QueryContext(ctx, query, args...)
	if q.Bodies {
		return collect(rows, err, scanRecordWithBody)
	}
	return collect(rows, err, scanRecord)
}

func listQuery(q carrierfsm.Query) (query string, args []any) {
	c := conditionsOf(q)
	from := `SELECT ` + recordColumns + ` FROM carrierfsm_verifications v`
	if q.Bodies {
		from = recordsWithBody
	}
	return from + c.where() + ` ORDER BY v.created DESC, v.id DESC LIMIT ?`,
		append(c.args, cmp.Or(max(q.Limit, 0), defaultLimit))
}

// conditions are the terms of a WHERE clause and their arguments.
type conditions struct {
	terms []string
	args  []any
}

// add adds a term if it is wanted.
func (c *conditions) add(wanted bool, term string, args ...any) {
	if wanted {
		c.terms = append(c.terms, term)
		c.args = append(c.args, args...)
	}
}

// in adds the term that the column has one of the words, if there are any.
func in[T ~string](c *conditions, column string, words []T) {
	args := make([]any, len(words))
	for i, w := range words {
		args[i] = string(w)
	}
	c.add(len(words) > 0, column+` IN (?`+strings.Repeat(`, ?`, max(0, len(words)-1))+`)`, args...)
}

func (c *conditions) where() string {
	if len(c.terms) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(c.terms, ` AND `)
}

// conditionsOf returns the conditions that are set in the query.
func conditionsOf(q carrierfsm.Query) *conditions {
	c := new(conditions)
	in(c, `v.state`, q.States)
	c.add(q.Source != "", `v.source = ?`, q.Source)
	c.add(q.Reason != "", `v.reason = ?`, string(q.Reason))
	c.add(q.InFlight, `v.in_flight = 1`)
	c.add(q.Key != "", `v.key <> '' AND v.key = ?`, q.Key) // the index has no empty keys
	c.add(!q.CreatedAfter.IsZero(), `v.created > ?`, micros(legal.Floor(q.CreatedAfter)))
	c.add(!q.CreatedBefore.IsZero(), `v.created < ?`, micros(legal.Ceil(q.CreatedBefore)))
	c.add(!q.UpdatedBefore.IsZero(), `v.updated < ?`, micros(legal.Ceil(q.UpdatedBefore)))
	c.add(q.After != (carrierfsm.PageKey{}), `(v.created, v.id) < (?, ?)`, micros(legal.Floor(q.After.Time)), legal.KeyID(q.After.ID))
	return c
}

// collect scans the rows that a query returned, and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (list []T, _ error) {
	if err != nil {
		return nil, wrap(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		list = append(list, v)
	}
	return list, wrap(rows.Err())
}
