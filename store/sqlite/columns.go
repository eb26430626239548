package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// recordArgs returns the arguments that insertRecord and updateRecord have in
// common, in their order.
func recordArgs(r *carrierfsm.Record) []driver.Value {
	list := make([]driver.Value, 0, 14) // capacity for the other arguments too
	return append(list,
		string(r.State), int64(r.Step), r.Version, int64(r.Table), r.Source, string(r.Reason), r.InFlight,
		micros(r.Due), micros(r.Updated), r.CommitID[:], r.Key,
	)
}

func scanRecord(rows *sql.Rows) (carrierfsm.Record, error) { return scanColumns(rows) }

func scanRecordWithBody(rows *sql.Rows) (carrierfsm.Record, error) {
	var body []byte
	r, err := scanColumns(rows, &body)
	r.Body = body
	return r, err
}

// scanColumns scans recordColumns, and more columns behind them.
func scanColumns(rows *sql.Rows, more ...any) (r carrierfsm.Record, err error) {
	var due, created, updated int64
	var commitID []byte
	err = rows.Scan(append([]any{
		&r.ID, &r.State, &r.Step, &r.Version, &r.Table, &r.Source, &r.Reason, &r.InFlight,
		&due, &created, &updated, &r.Key, &commitID,
	}, more...)...)
	r.Due, r.Created, r.Updated = timeOf(due), timeOf(created), timeOf(updated)
	copy(r.CommitID[:], commitID)
	return r, err
}

func scanEntry(rows *sql.Rows) (e carrierfsm.Entry, err error) {
	var at, dwell int64
	err = rows.Scan(&e.Position, &e.ID, &e.Step, &e.From, &e.Event, &e.To, &at, &e.Source, &dwell, &e.Detail)
	e.At, e.Dwell = timeOf(at), durationOf(dwell)
	return e, err
}

// previous returns the commit id that the stored record must have, or nil for any.
func previous(r *carrierfsm.Record) driver.Value {
	if id := write.Previous(r); id != nil {
		return id
	}
	return nil // not a nil slice, which is an empty blob for some drivers
}

// micros returns a time as it is stored. The zero time is stored as 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func durationOf(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
