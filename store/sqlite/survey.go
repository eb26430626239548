package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Surveyor = (*Store)(nil)

const createdBetween = ` FROM carrierfsm_verifications v WHERE v.created >= ? AND v.created < ? ORDER BY v.created, v.id LIMIT ?`

const surveyRecords = `SELECT ` + recordColumns + createdBetween

const surveyEntries = `SELECT h.id, h.step, h.from_, h.event, h.to_, h.at FROM carrierfsm_history h
	WHERE h.id IN (SELECT v.id` + createdBetween + `) ORDER BY h.id, h.step`

// Survey is carrierfsm.Surveyor's.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) (list []carrierfsm.Course, err error) {
	// One transaction: both queries see the same.
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return nil, named(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	args := []any{micros(from), micros(until), max(limit, 0)}
	rows, err := tx.QueryContext(ctx, surveyRecords, args...)
	records, err := collect(rows, err, scanRecord)
	if err != nil {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, surveyEntries, args...)
	entries, err := collect(rows, err, scanBareEntry)
	if err != nil {
		return nil, err
	}
	of := make(map[string][]carrierfsm.Entry, len(records))
	for _, e := range entries {
		of[e.ID] = append(of[e.ID], e)
	}
	for _, r := range records {
		list = append(list, carrierfsm.Course{Record: r, Entries: of[r.ID]})
	}
	return list, nil
}

// scanBareEntry scans an entry without its detail.
func scanBareEntry(rows *sql.Rows) (e carrierfsm.Entry, err error) {
	var at int64
	err = rows.Scan(&e.ID, &e.Step, &e.From, &e.Event, &e.To, &at)
	e.At = moment(at)
	return e, err
}
