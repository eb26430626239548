package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

var _ survey.Surveyor = (*Store)(nil)

const createdBetween = ` FROM carrierfsm_verifications v WHERE v.created >= ? AND v.created < ? ORDER BY v.created, v.id LIMIT ?`

const surveyRecords = `SELECT ` + recordColumns + createdBetween

const surveyEntries = `SELECT h.id, h.step, h.from_, h.event, h.to_, h.at, h.source, h.dwell FROM carrierfsm_history h
	WHERE h.id IN (SELECT v.id` + createdBetween + `) ORDER BY h.id, h.step`

// Survey implements survey.Surveyor.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) (list []survey.Timeline, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	tx, err := s.readDB.BeginTx(ctx, nil) // both queries read the same snapshot
	if err != nil {
		return nil, wrap(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	args := []any{micros(legal.Ceil(from)), micros(legal.Ceil(until)), max(limit, 0)}
	rows, err := tx.QueryContext(ctx, surveyRecords, args...)
	records, err := collect(rows, err, scanRecord)
	if err != nil {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, surveyEntries, args...)
	entries, err := collect(rows, err, scanEntryWithoutDetail)
	if err != nil {
		return nil, err
	}
	byID := make(map[string][]carrierfsm.Entry, len(records))
	for _, e := range entries {
		byID[e.ID] = append(byID[e.ID], e)
	}
	for _, r := range records {
		list = append(list, survey.Timeline{Record: r, Entries: byID[r.ID]})
	}
	return list, nil
}

func scanEntryWithoutDetail(rows *sql.Rows) (e carrierfsm.Entry, err error) {
	var at, dwell int64
	err = rows.Scan(&e.ID, &e.Step, &e.From, &e.Event, &e.To, &at, &e.Source, &dwell)
	e.At, e.Dwell = timeOf(at), durationOf(dwell)
	return e, err
}
