package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

var _ survey.Surveyor = (*Store)(nil)

const surveyRecords = `SELECT ` + recordColumns + ` FROM carrierfsm_verifications v
	WHERE v.created >= $1::timestamptz AND v.created < $2::timestamptz ORDER BY v.created, v.id LIMIT $3::bigint`

// surveyEntries looks up each id separately: the planner does not know how few ids
// there are and might otherwise read the whole history.
const surveyEntries = `SELECT h.id, h.step, h.from_, h.event, h.to_, h.at, h.source, h.dwell
	FROM unnest($1::text[]) AS wanted (id) CROSS JOIN LATERAL (
		SELECT h.id, h.step, h.from_, h.event, h.to_, h.at, h.source, h.dwell FROM carrierfsm_history h WHERE h.id = wanted.id ORDER BY h.step LIMIT 1000) h`

// Survey implements survey.Surveyor. It reads the records first and then their
// entries; it leaves out entries that were committed in between.
func (s *Store) Survey(ctx context.Context, from, until time.Time, limit int) (list []survey.Timeline, err error) {
	records, err := read(ctx, s, scanRecord, surveyRecords, legal.Ceil(from), legal.Ceil(until), int64(max(limit, 0)))
	if err != nil || len(records) == 0 {
		return nil, err
	}
	ids, indexes := make([]string, len(records)), make(map[string]int, len(records))
	for i, r := range records {
		ids[i], indexes[r.ID] = r.ID, i
		list = append(list, survey.Timeline{Record: r})
	}
	entries, err := read(ctx, s, scanEntryWithoutDetail, surveyEntries, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if c := &list[indexes[e.ID]]; e.Step <= c.Record.Step {
			c.Entries = append(c.Entries, e)
		}
	}
	return list, nil
}

func scanEntryWithoutDetail(row pgx.CollectableRow) (e carrierfsm.Entry, err error) {
	var dwell int64
	err = row.Scan(&e.ID, &e.Step, &e.From, &e.Event, &e.To, &e.At, &e.Source, &dwell)
	e.At, e.Dwell = e.At.UTC(), durationOf(dwell)
	return e, err
}
