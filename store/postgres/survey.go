package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
)

var _ carrierfsm.Surveyor = (*Store)(nil)

const surveyRecords = `SELECT ` + recordColumns + ` FROM carrierfsm_verifications v
	WHERE v.created >= $1::timestamptz AND v.created < $2::timestamptz ORDER BY v.created, v.id LIMIT $3::bigint`

// surveyEntries looks up one id after the other: the planner does not know how
// few they are, and might read the whole history.
const surveyEntries = `SELECT h.id, h.step, h.from_, h.event, h.to_, h.at
	FROM unnest($1::text[]) AS wanted (id) CROSS JOIN LATERAL (
		SELECT h.id, h.step, h.from_, h.event, h.to_, h.at FROM carrierfsm_history h WHERE h.id = wanted.id ORDER BY h.step LIMIT 1000) h`

// Survey is carrierfsm.Surveyor's. It reads twice: what happens in between it
// leaves out.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) (list []carrierfsm.Course, err error) {
	records, err := read(ctx, s.pool, scanRecord, surveyRecords, from.UTC(), until.UTC(), int64(max(limit, 0)))
	if err != nil || len(records) == 0 {
		return nil, err
	}
	ids, places := make([]string, len(records)), make(map[string]int, len(records))
	for i, r := range records {
		ids[i], places[r.ID] = r.ID, i
		list = append(list, carrierfsm.Course{Record: r})
	}
	entries, err := read(ctx, s.pool, scanBareEntry, surveyEntries, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if c := &list[places[e.ID]]; e.Step <= c.Record.Step {
			c.Entries = append(c.Entries, e)
		}
	}
	return list, nil
}

// scanBareEntry scans an entry without its detail.
func scanBareEntry(row pgx.CollectableRow) (e carrierfsm.Entry, err error) {
	err = row.Scan(&e.ID, &e.Step, &e.From, &e.Event, &e.To, &e.At)
	e.At = moment(e.At)
	return e, err
}
