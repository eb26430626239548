package postgres

import (
	"cmp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// pendingRow is a row of readPending: the cursor, an entry if there is one, and the
// parked row of its verification if there is one. Only the first row has the
// cursor's gaps.
type pendingRow struct {
	cursor cursor
	entry  *carrierfsm.Entry
	parked *outbox.Parked
}

// pendingReader reads the rows of one handler.
type pendingReader struct{ handler string }

func (p pendingReader) scan(row pgx.CollectableRow) (r pendingRow, err error) {
	var lows, highs, bounds []int64
	var entry struct {
		position            *int64
		id, from, event, to *string
		source              *string
		dwell               *int64
		step                *int
		at                  *time.Time
		detail              []byte
	}
	var parked struct {
		step, upto, attempts *int
		why                  *string
		since, next          *time.Time
		version              *int64
		failure              []byte
	}
	c := &r.cursor
	err = row.Scan(&c.position, &c.settled, &c.candidate, &c.bound, &lows, &highs, &bounds, &c.xmin, &c.xmax,
		&entry.position, &entry.id, &entry.step, &entry.from, &entry.event, &entry.to, &entry.at, &entry.source, &entry.dwell, &entry.detail,
		&parked.step, &parked.upto, &parked.attempts, &parked.why, &parked.since, &parked.next, &parked.version, &parked.failure)
	c.stored = storedCursor{c.position, c.settled, c.candidate, c.bound, len(lows)}
	c.gaps = gapsOf(lows, highs, bounds)
	c.dropForeignBounds()
	if err != nil || entry.position == nil {
		return r, err
	}
	r.entry = &carrierfsm.Entry{
		ID: *entry.id, Step: *entry.step, From: carrierfsm.State(*entry.from), Event: carrierfsm.Event(*entry.event), To: carrierfsm.State(*entry.to),
		At: entry.at.UTC(), Source: *entry.source, Dwell: durationOf(*entry.dwell), Detail: entry.detail, Position: *entry.position,
	}
	if parked.step != nil {
		r.parked = &outbox.Parked{
			Handler: p.handler, ID: *entry.id, Step: *parked.step, Upto: *parked.upto, Attempts: *parked.attempts, Why: *parked.why,
			Since: parked.since.UTC(), Next: parked.next.UTC(), Version: *parked.version, Failure: parked.failure,
		}
	}
	return r, nil
}

// read reads the rows of the second result.
func (p pendingReader) read(results pgx.BatchResults) (list []pendingRow, err error) {
	defer func() { err = cmp.Or(err, results.Close()) }()
	if _, err := results.Exec(); err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, p.scan)
}

// batch returns the rows as a batch, and its cursor.
func (p pendingReader) batch(rows []pendingRow, limit int) (outbox.Batch, cursor) {
	b := outbox.Batch{Parked: make(map[string]outbox.Parked)}
	for _, r := range rows {
		if r.entry != nil {
			b.Entries = append(b.Entries, *r.entry)
		}
		if r.parked != nil {
			b.Parked[r.parked.ID] = *r.parked
		}
	}
	c := rows[0].cursor
	c.full = len(b.Entries) >= limit
	b.State = c
	return b, c
}
