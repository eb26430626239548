package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

const recordColumns = `v.id, v.version, v.step, v.tables, v.in_flight, v.due, v.created, v.updated, v.commit_id, v.state, v.source, v.reason, v.key`

const entryColumns = `position, id, step, from_, event, to_, at, source, dwell, detail`

// recordArgs returns the arguments of a statement for one record.
func recordArgs(r *carrierfsm.Record, creates bool) []any {
	var seventh any = write.Previous(r)
	if creates {
		seventh = r.Created.UTC()
	}
	return []any{
		r.ID, r.Version, int32(r.Step), int32(r.Table), r.InFlight, orNull(r.Due), seventh, r.Updated.UTC(), r.CommitID[:],
		string(r.State), r.Source, string(r.Reason), r.Key, write.Body(r),
	}
}

// entryArgs returns the arguments of one entry.
func entryArgs(e *carrierfsm.Entry) []any {
	return []any{e.ID, int32(e.Step), string(e.From), string(e.Event), string(e.To), e.At.UTC(), e.Source, e.Dwell.Microseconds(), e.Detail}
}

// recordArrays returns the arguments of a statement for several records: an array
// for each column.
func recordArrays(requests []write.Request, creates bool) []any {
	n := len(requests)
	ids, states, sources, reasons, keys := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	versions, steps, tables, inFlight := make([]int64, n), make([]int32, n), make([]int32, n), make([]bool, n)
	due, created, updated := make([]*time.Time, n), make([]time.Time, n), make([]time.Time, n)
	commits, previous, bodies := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i := range requests {
		r := &requests[i].Record
		ids[i], states[i], sources[i], reasons[i], keys[i] = r.ID, string(r.State), r.Source, string(r.Reason), r.Key
		versions[i], steps[i], tables[i], inFlight[i] = r.Version, int32(r.Step), int32(r.Table), r.InFlight
		due[i], created[i], updated[i] = orNull(r.Due), r.Created.UTC(), r.Updated.UTC()
		commits[i], previous[i], bodies[i] = r.CommitID[:], write.Previous(r), write.Body(r)
	}
	var seventh any = previous
	if creates {
		seventh = created
	}
	return []any{ids, versions, steps, tables, inFlight, due, seventh, updated, commits, states, sources, reasons, keys, bodies}
}

// entryArrays returns the entries of all requests: an array for each column, the
// first with the number of the entry's request, counted from 1.
func entryArrays(requests []write.Request) []any {
	n := 0
	for _, r := range requests {
		n += len(r.Entries)
	}
	of, steps, at, details := make([]int64, 0, n), make([]int32, 0, n), make([]time.Time, 0, n), make([][]byte, 0, n)
	ids, from, events, to := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	sources, dwells := make([]string, 0, n), make([]int64, 0, n)
	for i, r := range requests {
		for _, e := range r.Entries {
			of, steps, at, details = append(of, int64(i+1)), append(steps, int32(e.Step)), append(at, e.At.UTC()), append(details, e.Detail)
			ids, from, events, to = append(ids, e.ID), append(from, string(e.From)), append(events, string(e.Event)), append(to, string(e.To))
			sources, dwells = append(sources, e.Source), append(dwells, e.Dwell.Microseconds())
		}
	}
	return []any{of, ids, steps, from, events, to, at, sources, dwells, details}
}

func durationOf(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }

// orNull returns the time for a column in which NULL is the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func scanRecord(rows pgx.CollectableRow) (carrierfsm.Record, error) { return scanColumns(rows) }

func scanRecordWithBody(rows pgx.CollectableRow) (carrierfsm.Record, error) {
	var body []byte
	r, err := scanColumns(rows, &body)
	r.Body = body
	return r, err
}

// scanColumns scans recordColumns, and more columns behind them.
func scanColumns(rows pgx.CollectableRow, more ...any) (r carrierfsm.Record, err error) {
	var due *time.Time
	var commitID []byte
	err = rows.Scan(append([]any{
		&r.ID, &r.Version, &r.Step, &r.Table, &r.InFlight, &due, &r.Created, &r.Updated, &commitID,
		&r.State, &r.Source, &r.Reason, &r.Key,
	}, more...)...)
	copy(r.CommitID[:], commitID)
	r.Due, r.Created, r.Updated = orZero(due), r.Created.UTC(), r.Updated.UTC()
	return r, err
}

func scanEntry(rows pgx.CollectableRow) (e carrierfsm.Entry, err error) {
	var dwell int64
	err = rows.Scan(&e.Position, &e.ID, &e.Step, &e.From, &e.Event, &e.To, &e.At, &e.Source, &dwell, &e.Detail)
	e.At, e.Dwell = e.At.UTC(), durationOf(dwell)
	return e, err
}
