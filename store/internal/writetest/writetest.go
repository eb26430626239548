// Package writetest draws random requests for the tests that compare two ways to
// store the same rows.
package writetest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// Generator draws requests that a store accepts.
type Generator struct {
	// Created is the time of creation of all records.
	Created time.Time
}

// Request draws the commit of a record at a version, with up to three entries
// after the given step.
func (g Generator) Request(t *rapid.T, id string, version int64, step int) write.Request {
	r := carrierfsm.Record{
		ID: id, Version: version, Table: rapid.IntRange(0, 1<<30).Draw(t, "table"), InFlight: rapid.Bool().Draw(t, "in flight"),
		State: carrierfsm.State(text.Draw(t, "state")), Source: text.Draw(t, "source"), Reason: carrierfsm.Event(text.Draw(t, "reason")),
		Due: moment(t, "due"), Created: g.Created, Updated: moment(t, "updated"), Body: bytes(t, "body"),
	}
	copy(r.CommitID[:], bytes(t, "commit id"))
	if rapid.Bool().Draw(t, "has a key") {
		r.Key = "key-of-" + id
	}
	var entries []carrierfsm.Entry
	for range rapid.IntRange(0, 3).Draw(t, "entries") {
		step++
		e := carrierfsm.Entry{
			ID: id, Step: step, At: moment(t, "at"), From: carrierfsm.State(text.Draw(t, "from")),
			Event: carrierfsm.Event(text.Draw(t, "event")), To: carrierfsm.State(text.Draw(t, "to")),
			Source: text.Draw(t, "website"), Dwell: time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "dwell")) * time.Microsecond,
		}
		if rapid.Bool().Draw(t, "has a detail") {
			e.Detail = bytes(t, "detail")
		}
		entries = append(entries, e)
	}
	r.Step = step
	return write.Request{Record: r, Entries: entries}
}

var text = rapid.StringMatching(`[a-z 0-9é移动'"\\$]{0,20}`)

func moment(t *rapid.T, name string) time.Time {
	if rapid.Bool().Draw(t, name+" is zero") {
		return time.Time{}
	}
	return time.UnixMicro(rapid.Int64Range(1, 9_000_000_000_000_000).Draw(t, name)).UTC()
}

func bytes(t *rapid.T, name string) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, name)
}
