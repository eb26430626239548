package baseline

import (
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

func insertArgs(r *carrierfsm.Record) []any {
	return []any{
		r.ID, r.Version, int32(r.Step), int32(r.Table), r.InFlight, orNull(r.Due), r.Created, r.Updated, r.CommitID[:],
		string(r.State), r.Source, string(r.Reason), r.Key, r.Body,
	}
}

func updateArgs(r *carrierfsm.Record) []any {
	return []any{
		r.ID, r.Version, int32(r.Step), int32(r.Table), r.InFlight, orNull(r.Due), r.Updated, r.CommitID[:],
		string(r.State), r.Source, string(r.Reason), r.Key, r.Body,
	}
}

func entryArgs(e *carrierfsm.Entry) []any {
	return []any{int32(e.Step), string(e.From), string(e.Event), string(e.To), e.At, e.Detail}
}

// columns has records and their entries, as one array for each column.
type columns struct {
	ids, states, sources, reasons, keys []string
	versions                            []int64
	steps, tables                       []int32
	inFlight                            []bool
	due                                 []*time.Time
	created, updated                    []time.Time
	commits, bodies                     [][]byte
	entries                             entryColumns
}

type entryColumns struct {
	ids, from, events, to []string
	steps                 []int32
	at                    []time.Time
	details               [][]byte
}

func columnsOf(list []*workload.Op) (c columns) {
	for _, op := range list {
		r := &op.Record
		c.ids, c.states, c.sources = append(c.ids, r.ID), append(c.states, string(r.State)), append(c.sources, r.Source)
		c.reasons, c.keys, c.versions = append(c.reasons, string(r.Reason)), append(c.keys, r.Key), append(c.versions, r.Version)
		c.steps, c.tables, c.inFlight = append(c.steps, int32(r.Step)), append(c.tables, int32(r.Table)), append(c.inFlight, r.InFlight)
		c.due, c.created, c.updated = append(c.due, orNull(r.Due)), append(c.created, r.Created), append(c.updated, r.Updated)
		c.commits, c.bodies = append(c.commits, r.CommitID[:]), append(c.bodies, r.Body)
		for i := range op.Entries {
			c.entries.add(r.ID, &op.Entries[i])
		}
	}
	return c
}

func (c *entryColumns) add(id string, e *carrierfsm.Entry) {
	c.ids, c.steps, c.from = append(c.ids, id), append(c.steps, int32(e.Step)), append(c.from, string(e.From))
	c.events, c.to, c.at = append(c.events, string(e.Event)), append(c.to, string(e.To)), append(c.at, e.At)
	c.details = append(c.details, e.Detail)
}

func (c *columns) records() []any {
	return []any{
		c.ids, c.versions, c.steps, c.tables, c.inFlight, c.due, c.created, c.updated, c.commits, c.states, c.sources, c.reasons, c.keys, c.bodies,
	}
}

func (c *columns) all() []any {
	e := &c.entries
	return append(c.records(), e.ids, e.steps, e.from, e.events, e.to, e.at, e.details)
}

// orNull returns NULL for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
