package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
)

// pendingReader puts the rows of readPending together.
type pendingReader struct {
	handler string
	led     bool
	mark    mark
	batch   carrierfsm.Batch
}

// scan takes one row: the cursor, which all rows repeat, then an entry and a
// parked row, where there are any.
func (r *pendingReader) scan(rows pgx.Rows) error {
	var lows, highs, bounds []int64
	var entry struct {
		position            *int64
		id, from, event, to *string
		step                *int
		at                  *time.Time
		detail              []byte
	}
	var parked struct {
		step, upto, attempts *int
		why                  *string
		since, next          *time.Time
		version              *int64
	}
	if err := rows.Scan(&r.mark.position, &r.mark.settled, &r.mark.candidate, &r.mark.bound, &lows, &highs, &bounds, &r.mark.xmin, &r.mark.last,
		&entry.position, &entry.id, &entry.step, &entry.from, &entry.event, &entry.to, &entry.at, &entry.detail,
		&parked.step, &parked.upto, &parked.attempts, &parked.why, &parked.since, &parked.next, &parked.version); err != nil {
		return err
	}
	if !r.led {
		r.led, r.mark.holes = true, holesOf(lows, highs, bounds)
	}
	if entry.position == nil {
		return nil
	}
	r.batch.Entries = append(r.batch.Entries, carrierfsm.Entry{
		ID: *entry.id, Step: *entry.step, From: carrierfsm.State(*entry.from), Event: carrierfsm.Event(*entry.event), To: carrierfsm.State(*entry.to),
		At: moment(*entry.at), Detail: entry.detail, Position: *entry.position,
	})
	if parked.step != nil {
		r.batch.Parked[*entry.id] = carrierfsm.Parked{
			Handler: r.handler, ID: *entry.id, Step: *parked.step, Upto: *parked.upto, Attempts: *parked.attempts, Why: *parked.why,
			Since: moment(*parked.since), Next: moment(*parked.next), Version: *parked.version,
		}
	}
	return nil
}
