package postgres

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
)

const recordColumns = `v.id, v.version, v.step, v.tables, v.in_flight, v.due, v.created, v.updated, v.commit_id, v.state, v.source, v.reason, v.key`

const entryColumns = `position, id, step, from_, event, to_, at, detail`

// draft is what one caller wants to have written.
type draft struct {
	record  carrierfsm.Record
	entries []carrierfsm.Entry
}

// own returns the draft with copies of what its caller lends.
func (d draft) own() draft {
	d.record.Body = slices.Clone(d.record.Body)
	d.entries = slices.Clone(d.entries)
	for i := range d.entries {
		d.entries[i].Detail = slices.Clone(d.entries[i].Detail)
	}
	return d
}

// notNil is a body: nil would be NULL.
func notNil(body []byte) []byte {
	if body == nil {
		return []byte{}
	}
	return body
}

// size is about how many bytes it takes.
func (d draft) size() int {
	n := len(d.record.Body)
	for _, e := range d.entries {
		n += len(e.Detail)
	}
	return n
}

// recordArgs are the arguments of a statement for one record.
func recordArgs(r *carrierfsm.Record) []any {
	return []any{
		r.ID, r.Version, int32(r.Step), int32(r.Table), r.InFlight, orNull(r.Due), r.Created.UTC(), r.Updated.UTC(), r.CommitID[:],
		string(r.State), r.Source, string(r.Reason), r.Key, notNil(r.Body),
	}
}

// entryArgs are those of its one entry.
func entryArgs(e *carrierfsm.Entry) []any {
	return []any{e.ID, int32(e.Step), string(e.From), string(e.Event), string(e.To), e.At.UTC(), e.Detail}
}

// recordArrays are recordArgs for several drafts, an array a column.
func recordArrays(drafts []draft) []any {
	n := len(drafts)
	ids, states, sources, reasons, keys := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	versions, steps, tables, flying := make([]int64, n), make([]int32, n), make([]int32, n), make([]bool, n)
	due, created, updated := make([]*time.Time, n), make([]time.Time, n), make([]time.Time, n)
	commits, bodies := make([][]byte, n), make([][]byte, n)
	for i := range drafts {
		r := &drafts[i].record
		ids[i], states[i], sources[i], reasons[i], keys[i] = r.ID, string(r.State), r.Source, string(r.Reason), r.Key
		versions[i], steps[i], tables[i], flying[i] = r.Version, int32(r.Step), int32(r.Table), r.InFlight
		due[i], created[i], updated[i] = orNull(r.Due), r.Created.UTC(), r.Updated.UTC()
		commits[i], bodies[i] = r.CommitID[:], notNil(r.Body)
	}
	return []any{ids, versions, steps, tables, flying, due, created, updated, commits, states, sources, reasons, keys, bodies}
}

// entryArrays are the entries of all drafts, an array a column; the first tells
// whose they are.
func entryArrays(drafts []draft) []any {
	n := 0
	for _, d := range drafts {
		n += len(d.entries)
	}
	of, steps, at, details := make([]int64, 0, n), make([]int32, 0, n), make([]time.Time, 0, n), make([][]byte, 0, n)
	ids, from, events, to := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	for i, d := range drafts {
		for _, e := range d.entries {
			of, steps, at, details = append(of, int64(i+1)), append(steps, int32(e.Step)), append(at, e.At.UTC()), append(details, e.Detail)
			ids, from, events, to = append(ids, e.ID), append(from, string(e.From)), append(events, string(e.Event)), append(to, string(e.To))
		}
	}
	return []any{of, ids, steps, from, events, to, at, details}
}

// orNull is a time as it is stored where the zero time means never.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// moment is a time as it is handed out. The zero time is one that PostgreSQL
// knows, the first of January of the year 1.
func moment(t time.Time) time.Time { return t.UTC() }

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return moment(*t)
}

func scanRecord(rows pgx.CollectableRow) (carrierfsm.Record, error) { return scanInto(rows) }

func scanWhole(rows pgx.CollectableRow) (carrierfsm.Record, error) {
	var body []byte
	r, err := scanInto(rows, &body)
	r.Body = body
	return r, err
}

func scanInto(rows pgx.CollectableRow, more ...any) (r carrierfsm.Record, err error) {
	var due *time.Time
	var commitID []byte
	err = rows.Scan(append([]any{
		&r.ID, &r.Version, &r.Step, &r.Table, &r.InFlight, &due, &r.Created, &r.Updated, &commitID,
		&r.State, &r.Source, &r.Reason, &r.Key,
	}, more...)...)
	copy(r.CommitID[:], commitID)
	r.Due, r.Created, r.Updated = orZero(due), moment(r.Created), moment(r.Updated)
	return r, err
}

func scanEntry(rows pgx.CollectableRow) (e carrierfsm.Entry, err error) {
	err = rows.Scan(&e.Position, &e.ID, &e.Step, &e.From, &e.Event, &e.To, &e.At, &e.Detail)
	e.At = moment(e.At)
	return e, err
}
