package memory

import (
	"bytes"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// There may be hundreds of thousands of verifications in memory, so a row is
// smaller than a Record: times are microseconds, and values that many rows have
// in common are stored once.

// row is one record with its history, oldest entry first.
type row struct {
	id, key               string
	columns               *columns
	step                  int
	version               int64
	due, created, updated int64
	commit                [16]byte
	body                  []byte
	history               []entry

	prev, next *row // in the dueIndex
}

// columns are the columns that have few different values.
type columns struct {
	state    carrierfsm.State
	reason   carrierfsm.Event
	source   string
	table    int
	inFlight bool
}

// entry is one row of history.
type entry struct {
	edge         *edge
	step         int
	at, position int64
	dwell        int64 // in microseconds
	detail       []byte
}

// edge is the transition of an entry, and its website.
type edge struct {
	from   carrierfsm.State
	event  carrierfsm.Event
	to     carrierfsm.State
	source string
}

// interned has one pointer for each value.
type interned[T comparable] map[T]*T

func (m interned[T]) pointer(value T) *T {
	p := m[value]
	if p == nil {
		p = new(T)
		*p = value
		m[value] = p
	}
	return p
}

// set copies the record into the row, except ID and Created, which never change.
func (r *row) set(from *carrierfsm.Record, all interned[columns], buffers *bufferPool) {
	r.columns = all.pointer(columns{from.State, from.Reason, from.Source, from.Table, from.InFlight})
	if r.key != from.Key { // an equal one may be part of a larger text of the caller's
		r.key = from.Key
	}
	r.step, r.version, r.commit = from.Step, from.Version, from.CommitID
	r.due, r.updated = from.Due.UnixMicro(), from.Updated.UnixMicro()
	r.body = buffers.replace(r.body, from.Body)
}

// record returns the record without its body.
func (r *row) record() carrierfsm.Record {
	return carrierfsm.Record{
		ID: r.id, Key: r.key, Step: r.step, Version: r.version, CommitID: r.commit,
		State: r.columns.state, Reason: r.columns.reason, Source: r.columns.source,
		Table: r.columns.table, InFlight: r.columns.inFlight,
		Due: timeOf(r.due), Created: timeOf(r.created), Updated: timeOf(r.updated),
	}
}

// recordWithBody returns the record with a copy of the body.
func (r *row) recordWithBody() carrierfsm.Record {
	c := r.record()
	c.Body = bytes.Clone(r.body)
	return c
}

// withoutDetail returns an entry of the row without its detail.
func (r *row) withoutDetail(e *entry) carrierfsm.Entry {
	return carrierfsm.Entry{
		ID: r.id, Step: e.step, From: e.edge.from, Event: e.edge.event, To: e.edge.to, At: timeOf(e.at),
		Source: e.edge.source, Dwell: time.Duration(e.dwell) * time.Microsecond,
	}
}

// withDetail returns an entry of the row with a copy of the detail.
func (r *row) withDetail(e *entry) carrierfsm.Entry {
	c := r.withoutDetail(e)
	c.Detail = bytes.Clone(e.detail)
	return c
}

// never is how the zero time is stored, which means that a row is never due.
var never = time.Time{}.UnixMicro()

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
