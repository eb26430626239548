package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/carrierfsm/carrierfsm"
)

// params are the parameters of a statement, as PostgreSQL writes them in binary.
type params struct {
	values [][]byte
	room   []byte // what the values are made of, but for bodies
}

func newParams(values, room int) *params {
	return &params{values: make([][]byte, 0, values), room: make([]byte, 0, room)}
}

// since is what was written since a length of the room, as the next value.
func (p *params) since(from int) {
	p.values = append(p.values, p.room[from:len(p.room):len(p.room)])
}

func (p *params) text(s string) {
	from := len(p.room)
	p.room = append(p.room, s...)
	p.since(from)
}

func (p *params) int64(n int64) {
	from := len(p.room)
	p.room = binary.BigEndian.AppendUint64(p.room, uint64(n))
	p.since(from)
}

func (p *params) int32(n int) {
	from := len(p.room)
	p.room = binary.BigEndian.AppendUint32(p.room, uint32(int32(n)))
	p.since(from)
}

func (p *params) bool(b bool) {
	from := len(p.room)
	p.room = append(p.room, bit(b))
	p.since(from)
}

func (p *params) time(t time.Time) {
	from := len(p.room)
	p.room = appendTime(p.room, t)
	p.since(from)
}

// lent is a value that stays the caller's; nil is NULL.
func (p *params) lent(value []byte) { p.values = append(p.values, value) }

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// beginning is where PostgreSQL's times begin, in microseconds since 1970.
const beginning = 946_684_800_000_000

func appendTime(room []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(room, uint64(t.UnixMicro()-beginning))
}

// record are the parameters of a statement for one record.
func (p *params) record(r *carrierfsm.Record) {
	p.text(r.ID)
	p.int64(r.Version)
	p.int32(r.Step)
	p.int32(r.Table)
	p.bool(r.InFlight)
	if r.Due.IsZero() {
		p.lent(nil)
	} else {
		p.time(r.Due)
	}
	p.time(r.Created)
	p.time(r.Updated)
	p.lent(r.CommitID[:])
	p.text(string(r.State))
	p.text(r.Source)
	p.text(string(r.Reason))
	p.text(r.Key)
	p.lent(notNil(r.Body))
}

// entry are those of its one entry.
func (p *params) entry(e *carrierfsm.Entry) {
	p.text(e.ID)
	p.int32(e.Step)
	p.text(string(e.From))
	p.text(string(e.Event))
	p.text(string(e.To))
	p.time(e.At)
	p.lent(e.Detail)
}

// array is a value of n elements. put writes the element i to the room, or
// tells that there is none.
func (p *params) array(oid uint32, n int, put func(i int) bool) {
	from := len(p.room)
	dimensions := min(n, 1)
	p.room = binary.BigEndian.AppendUint32(p.room, uint32(dimensions))
	p.room = binary.BigEndian.AppendUint32(p.room, 1) // there may be NULLs
	p.room = binary.BigEndian.AppendUint32(p.room, oid)
	if n > 0 {
		p.room = binary.BigEndian.AppendUint32(p.room, uint32(n))
		p.room = binary.BigEndian.AppendUint32(p.room, 1) // counted from
	}
	for i := range n {
		at := len(p.room)
		p.room = append(p.room, 0xff, 0xff, 0xff, 0xff) // NULL
		if put(i) {
			binary.BigEndian.PutUint32(p.room[at:], uint32(len(p.room)-at-4))
		}
	}
	p.since(from)
}

func (p *params) texts(n int, of func(i int) string) {
	p.array(pgtype.TextOID, n, func(i int) bool { p.room = append(p.room, of(i)...); return true })
}

func (p *params) int64s(n int, of func(i int) int64) {
	p.array(pgtype.Int8OID, n, func(i int) bool { p.room = binary.BigEndian.AppendUint64(p.room, uint64(of(i))); return true })
}

func (p *params) int32s(n int, of func(i int) int) {
	p.array(pgtype.Int4OID, n, func(i int) bool { p.room = binary.BigEndian.AppendUint32(p.room, uint32(int32(of(i)))); return true })
}

func (p *params) bools(n int, of func(i int) bool) {
	p.array(pgtype.BoolOID, n, func(i int) bool { p.room = append(p.room, bit(of(i))); return true })
}

func (p *params) times(n int, of func(i int) time.Time) {
	p.array(pgtype.TimestamptzOID, n, func(i int) bool { p.room = appendTime(p.room, of(i)); return true })
}

// timesOrNull are NULL where they are zero.
func (p *params) timesOrNull(n int, of func(i int) time.Time) {
	p.array(pgtype.TimestamptzOID, n, func(i int) bool {
		t := of(i)
		if t.IsZero() {
			return false
		}
		p.room = appendTime(p.room, t)
		return true
	})
}

// bytes are NULL where they are nil.
func (p *params) bytes(n int, of func(i int) []byte) {
	p.array(pgtype.ByteaOID, n, func(i int) bool { b := of(i); p.room = append(p.room, b...); return b != nil })
}

// records are the parameters of a statement for several records.
func (p *params) records(drafts []draft) {
	n, at := len(drafts), func(i int) *carrierfsm.Record { return &drafts[i].record }
	p.texts(n, func(i int) string { return at(i).ID })
	p.int64s(n, func(i int) int64 { return at(i).Version })
	p.int32s(n, func(i int) int { return at(i).Step })
	p.int32s(n, func(i int) int { return at(i).Table })
	p.bools(n, func(i int) bool { return at(i).InFlight })
	p.timesOrNull(n, func(i int) time.Time { return at(i).Due })
	p.times(n, func(i int) time.Time { return at(i).Created })
	p.times(n, func(i int) time.Time { return at(i).Updated })
	p.bytes(n, func(i int) []byte { return at(i).CommitID[:] })
	p.texts(n, func(i int) string { return string(at(i).State) })
	p.texts(n, func(i int) string { return at(i).Source })
	p.texts(n, func(i int) string { return string(at(i).Reason) })
	p.texts(n, func(i int) string { return at(i).Key })
	p.bytes(n, func(i int) []byte { return notNil(at(i).Body) })
}

// entries are those of the entries of all drafts; the first tells whose they are.
func (p *params) entries(drafts []draft) {
	type place struct{ draft, entry int }
	var places []place
	for d := range drafts {
		for e := range drafts[d].entries {
			places = append(places, place{d, e})
		}
	}
	n, at := len(places), func(i int) *carrierfsm.Entry { return &drafts[places[i].draft].entries[places[i].entry] }
	p.int64s(n, func(i int) int64 { return int64(places[i].draft + 1) })
	p.texts(n, func(i int) string { return at(i).ID })
	p.int32s(n, func(i int) int { return at(i).Step })
	p.texts(n, func(i int) string { return string(at(i).From) })
	p.texts(n, func(i int) string { return string(at(i).Event) })
	p.texts(n, func(i int) string { return string(at(i).To) })
	p.times(n, func(i int) time.Time { return at(i).At })
	p.bytes(n, func(i int) []byte { return at(i).Detail })
}

// cells are what a row holds, from left to right.
type cells struct {
	values [][]byte
	err    error
}

// next is the next value, which has so many bytes, or any number for -1.
func (c *cells) next(bytes int) []byte {
	if len(c.values) == 0 || bytes >= 0 && len(c.values[0]) != bytes {
		c.err, c.values = errRow, nil
		return make([]byte, max(bytes, 0))
	}
	value := c.values[0]
	c.values = c.values[1:]
	return value
}

func (c *cells) text() string { return string(c.next(-1)) }
func (c *cells) int64() int64 { return int64(binary.BigEndian.Uint64(c.next(8))) }
func (c *cells) int32() int   { return int(int32(binary.BigEndian.Uint32(c.next(4)))) }
func (c *cells) bool() bool   { return c.next(1)[0] != 0 }

func (c *cells) time() time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(c.next(8))) + beginning).UTC()
}

// timeOrZero is the zero time for NULL.
func (c *cells) timeOrZero() time.Time {
	if len(c.values) > 0 && c.values[0] == nil {
		c.values = c.values[1:]
		return time.Time{}
	}
	return c.time()
}

// wholeRecordOf reads what wholeRecord asks for. The body is lent by the row.
func wholeRecordOf(values [][]byte) (r carrierfsm.Record, err error) {
	c := cells{values: values}
	r.ID, r.Version, r.Step, r.Table, r.InFlight = c.text(), c.int64(), c.int32(), c.int32(), c.bool()
	r.Due, r.Created, r.Updated = c.timeOrZero(), c.time(), c.time()
	copy(r.CommitID[:], c.next(len(r.CommitID)))
	r.State, r.Source = carrierfsm.State(c.text()), c.text()
	r.Reason, r.Key, r.Body = carrierfsm.Event(c.text()), c.text(), c.next(-1)
	return r, c.err
}
