package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// columns are the values of a record in the order of insertRecord and
// updateRecord, up to what differs between the two.
func columns(r carrierfsm.Record) []driver.Value {
	list := make([]driver.Value, 0, 13)
	return append(list,
		string(r.State), int64(r.Step), r.Version, int64(r.Table), r.Source, string(r.Reason), r.InFlight,
		micros(r.Due), micros(r.Updated), r.Key, r.CommitID[:],
	)
}

func scanRecord(rows *sql.Rows) (carrierfsm.Record, error) { return scanInto(rows) }

func scanWhole(rows *sql.Rows) (carrierfsm.Record, error) {
	var body []byte
	r, err := scanInto(rows, &body)
	r.Body = body
	return r, err
}

func scanInto(rows *sql.Rows, more ...any) (r carrierfsm.Record, err error) {
	var due, created, updated int64
	var commitID []byte
	err = rows.Scan(append([]any{
		&r.ID, &r.State, &r.Step, &r.Version, &r.Table, &r.Source, &r.Reason, &r.InFlight,
		&due, &created, &updated, &r.Key, &commitID,
	}, more...)...)
	r.Due, r.Created, r.Updated = moment(due), moment(created), moment(updated)
	copy(r.CommitID[:], commitID)
	return r, err
}

func scanEntry(rows *sql.Rows) (e carrierfsm.Entry, err error) {
	var at int64
	err = rows.Scan(&e.Position, &e.ID, &e.Step, &e.From, &e.Event, &e.To, &at, &e.Detail)
	e.At = moment(at)
	return e, err
}

// micros is a time as it is stored; 0 is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// notNil: a nil slice would be stored as NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
