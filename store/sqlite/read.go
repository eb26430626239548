package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

const recordColumns = `v.id, v.state, v.step, v.version, v.tables, v.source, v.reason, v.in_flight, v.due, v.created, v.updated, v.key, v.commit_id`

const entryColumns = `position, id, step, from_, event, to_, at, detail`

const wholeRecord = `SELECT ` + recordColumns + `, b.body FROM carrierfsm_verifications v JOIN carrierfsm_bodies b USING (id) `

const loadRecord = wholeRecord + `WHERE v.id = ?`

const readHistory = `SELECT ` + entryColumns + ` FROM carrierfsm_history WHERE id = ? AND step > ? ORDER BY step LIMIT ?`

const readPending = `SELECT ` + entryColumns + ` FROM carrierfsm_history
	WHERE position > (SELECT c.position FROM carrierfsm_cursors c WHERE c.name = ?) ORDER BY position LIMIT ?`

const readDue = wholeRecord + `WHERE v.due > 0 AND v.due <= ? AND (v.due, v.id) > (?, ?) ORDER BY v.due, v.id LIMIT ?`

// Load is carrierfsm.Store's. On a store that Open made, ctx ends the waiting for
// a connection; what follows takes no time.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if s.own != nil {
		r, err := s.loadOwn(ctx, id)
		return r, named(err)
	}
	rows, err := s.prepared.load.QueryContext(ctx, id)
	list, err := collect(rows, err, scanWhole)
	if err != nil {
		return carrierfsm.Record{}, err
	}
	if len(list) == 0 {
		return carrierfsm.Record{}, carrierfsm.ErrNotFound
	}
	return list[0], nil
}

// loadOwn loads on the writing connection while nobody writes: that one has
// the pages at hand, which the others read anew after each commit.
func (s *Store) loadOwn(ctx context.Context, id string) (carrierfsm.Record, error) {
	if err := ctx.Err(); err != nil {
		return carrierfsm.Record{}, err
	}
	if leave, ok := s.enterIdle(); ok {
		defer leave()
		return s.own.loader.get(id)
	}
	return s.loaders.get(ctx, id)
}

// History is carrierfsm.Store's.
func (s *Store) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	rows, err := s.prepared.history.QueryContext(ctx, id, afterStep, max(limit, 0))
	list, err := collect(rows, err, scanEntry)
	for i := range list {
		list[i].Position = 0
	}
	return list, err
}

// Due is carrierfsm.Store's.
func (s *Store) Due(ctx context.Context, now time.Time, after carrierfsm.DueMark, limit int) ([]carrierfsm.Record, error) {
	rows, err := s.prepared.due.QueryContext(ctx, micros(now), micros(after.Due), after.ID, max(limit, 0))
	return collect(rows, err, scanWhole)
}

// List is carrierfsm.Store's.
func (s *Store) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	query, args := listQuery(q)
	rows, err := s.read.QueryContext(ctx, query, args...)
	return collect(rows, err, scanRecord)
}

func listQuery(q carrierfsm.Query) (query string, args []any) {
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	where, args := conditions(q)
	return `SELECT ` + recordColumns + ` FROM carrierfsm_verifications v` + where + ` ORDER BY v.created DESC, v.id DESC LIMIT ?`,
		append(args, limit)
}

// conditions are those of a query that are set.
func conditions(q carrierfsm.Query) (where string, args []any) {
	var terms []string
	add := func(wanted bool, term string, values ...any) {
		if wanted {
			terms = append(terms, term)
			args = append(args, values...)
		}
	}
	states := make([]any, len(q.States))
	for i, s := range q.States {
		states[i] = string(s)
	}
	add(len(states) > 0, `v.state IN (?`+strings.Repeat(`, ?`, max(0, len(states)-1))+`)`, states...)
	add(q.Source != "", `v.source = ?`, q.Source)
	add(q.Reason != "", `v.reason = ?`, string(q.Reason))
	add(q.InFlight, `v.in_flight = 1`)
	add(!q.CreatedAfter.IsZero(), `v.created > ?`, micros(q.CreatedAfter))
	add(!q.CreatedBefore.IsZero(), `v.created < ?`, micros(q.CreatedBefore))
	add(!q.UpdatedBefore.IsZero(), `v.updated < ?`, micros(q.UpdatedBefore))
	add(q.After != (carrierfsm.ListMark{}), `(v.created, v.id) < (?, ?)`, micros(q.After.Created), q.After.ID)
	if len(terms) == 0 {
		return "", nil
	}
	return ` WHERE ` + strings.Join(terms, ` AND `), args
}

// collect scans the rows that a query returned, and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows) (T, error)) (list []T, _ error) {
	if err != nil {
		return nil, named(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, named(err)
		}
		list = append(list, v)
	}
	return list, named(rows.Err())
}
