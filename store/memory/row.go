package memory

import (
	"bytes"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Verifications wait in memory by the hundred thousand, so a row is smaller
// than a Record: times are microseconds, and the words that many rows have in
// common are kept once.

// row is one record with its history, oldest entry first.
type row struct {
	id, key               string
	columns               *columns
	step                  int
	version               int64
	due, created, updated int64
	commit                [16]byte
	body                  []byte
	history               []*entry

	before, behind *row // in the timeline
}

// columns are those of a record of which there are few different ones.
type columns struct {
	state    carrierfsm.State
	reason   carrierfsm.Event
	source   string
	table    int
	inFlight bool
}

// entry is one row of history.
type entry struct {
	row          *row
	edge         *edge
	step         int
	at, position int64
	detail       []byte
}

// edge is the transition of an entry.
type edge struct {
	from  carrierfsm.State
	event carrierfsm.Event
	to    carrierfsm.State
}

// shared holds each of its values once.
type shared[T comparable] map[T]*T

func (s shared[T]) one(value T) *T {
	p := s[value]
	if p == nil {
		p = new(T)
		*p = value
		s[value] = p
	}
	return p
}

// take replaces what the row holds by what r does, but for its history and when
// it was created.
func (r *row) take(with *carrierfsm.Record, all shared[columns], places *places) {
	r.columns = all.one(columns{with.State, with.Reason, with.Source, with.Table, with.InFlight})
	r.key, r.step, r.version, r.commit = with.Key, with.Step, with.Version, with.CommitID
	r.due, r.updated = with.Due.UnixMicro(), with.Updated.UnixMicro()
	r.body = places.replace(r.body, with.Body)
}

// record is the record without its body.
func (r *row) record() carrierfsm.Record {
	return carrierfsm.Record{
		ID: r.id, Key: r.key, Step: r.step, Version: r.version, CommitID: r.commit,
		State: r.columns.state, Reason: r.columns.reason, Source: r.columns.source,
		Table: r.columns.table, InFlight: r.columns.inFlight,
		Due: timeOf(r.due), Created: timeOf(r.created), Updated: timeOf(r.updated),
	}
}

// whole is the record with a body of its own.
func (r *row) whole() carrierfsm.Record {
	c := r.record()
	c.Body = bytes.Clone(r.body)
	return c
}

// bare is the entry without its detail.
func (e *entry) bare() carrierfsm.Entry {
	return carrierfsm.Entry{
		ID: e.row.id, Step: e.step, From: e.edge.from, Event: e.edge.event, To: e.edge.to, At: timeOf(e.at),
	}
}

// whole is the entry with a detail of its own.
func (e *entry) whole() carrierfsm.Entry {
	c := e.bare()
	c.Detail = bytes.Clone(e.detail)
	return c
}

// never is the due time of what is not due at any time: the zero one's.
var never = time.Time{}.UnixMicro()

// timeOf is a time as it is kept; the zero time comes back as it was.
func timeOf(micro int64) time.Time { return time.UnixMicro(micro).UTC() }
