package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// Encoding of parameters for the fast path, in PostgreSQL's binary format; see
// fastpath_exec.go. The plain way are the arguments in columns.go.

// params are the parameters of a statement.
type params struct {
	values [][]byte
	buffer []byte // the memory of the values, except the borrowed ones
}

func newParams(values, capacity int) *params {
	return &params{values: make([][]byte, 0, values), buffer: make([]byte, 0, capacity)}
}

// end adds what was appended to the buffer since start as the next value.
func (p *params) end(start int) {
	p.values = append(p.values, p.buffer[start:len(p.buffer):len(p.buffer)])
}

func (p *params) text(s string) {
	start := len(p.buffer)
	p.buffer = append(p.buffer, s...)
	p.end(start)
}

func (p *params) int64(n int64) {
	start := len(p.buffer)
	p.buffer = binary.BigEndian.AppendUint64(p.buffer, uint64(n))
	p.end(start)
}

func (p *params) int32(n int) {
	start := len(p.buffer)
	p.buffer = binary.BigEndian.AppendUint32(p.buffer, uint32(int32(n)))
	p.end(start)
}

func (p *params) bool(b bool) {
	start := len(p.buffer)
	p.buffer = append(p.buffer, bit(b))
	p.end(start)
}

func (p *params) time(t time.Time) {
	start := len(p.buffer)
	p.buffer = appendTime(p.buffer, t)
	p.end(start)
}

// borrowed adds the caller's slice as the next value, without copying it. Nil is
// NULL.
func (p *params) borrowed(value []byte) { p.values = append(p.values, value) }

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// epoch is 2000-01-01, the zero of PostgreSQL's times, in microseconds since 1970.
const epoch = 946_684_800_000_000

func appendTime(buffer []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(buffer, uint64(t.UnixMicro()-epoch))
}

// record adds the parameters of a statement for one record, as recordArgs does.
func (p *params) record(r *carrierfsm.Record, creates bool) {
	p.text(r.ID)
	p.int64(r.Version)
	p.int32(r.Step)
	p.int32(r.Table)
	p.bool(r.InFlight)
	if r.Due.IsZero() {
		p.borrowed(nil)
	} else {
		p.time(r.Due)
	}
	if creates {
		p.time(r.Created)
	} else {
		p.borrowed(write.Previous(r))
	}
	p.time(r.Updated)
	p.borrowed(r.CommitID[:])
	p.text(string(r.State))
	p.text(r.Source)
	p.text(string(r.Reason))
	p.text(r.Key)
	p.borrowed(write.Body(r))
}

// entry adds the parameters of one entry, as entryArgs does.
func (p *params) entry(e *carrierfsm.Entry) {
	p.text(e.ID)
	p.int32(e.Step)
	p.text(string(e.From))
	p.text(string(e.Event))
	p.text(string(e.To))
	p.time(e.At)
	p.text(e.Source)
	p.int64(e.Dwell.Microseconds())
	p.borrowed(e.Detail)
}

// array adds an array of n elements. put appends element i to the buffer, or
// returns false for NULL.
func (p *params) array(oid uint32, n int, put func(i int) bool) {
	start := len(p.buffer)
	dimensions := min(n, 1)
	p.buffer = binary.BigEndian.AppendUint32(p.buffer, uint32(dimensions))
	p.buffer = binary.BigEndian.AppendUint32(p.buffer, 1) // has NULLs
	p.buffer = binary.BigEndian.AppendUint32(p.buffer, oid)
	if n > 0 {
		p.buffer = binary.BigEndian.AppendUint32(p.buffer, uint32(n))
		p.buffer = binary.BigEndian.AppendUint32(p.buffer, 1) // index of the first element
	}
	for i := range n {
		at := len(p.buffer)
		p.buffer = append(p.buffer, 0xff, 0xff, 0xff, 0xff) // NULL
		if put(i) {
			binary.BigEndian.PutUint32(p.buffer[at:], uint32(len(p.buffer)-at-4))
		}
	}
	p.end(start)
}

func (p *params) texts(n int, of func(i int) string) {
	p.array(pgtype.TextOID, n, func(i int) bool { p.buffer = append(p.buffer, of(i)...); return true })
}

func (p *params) int64s(n int, of func(i int) int64) {
	p.array(pgtype.Int8OID, n, func(i int) bool { p.buffer = binary.BigEndian.AppendUint64(p.buffer, uint64(of(i))); return true })
}

func (p *params) int32s(n int, of func(i int) int) {
	p.array(pgtype.Int4OID, n, func(i int) bool {
		p.buffer = binary.BigEndian.AppendUint32(p.buffer, uint32(int32(of(i))))
		return true
	})
}

func (p *params) bools(n int, of func(i int) bool) {
	p.array(pgtype.BoolOID, n, func(i int) bool { p.buffer = append(p.buffer, bit(of(i))); return true })
}

func (p *params) times(n int, of func(i int) time.Time) {
	p.array(pgtype.TimestamptzOID, n, func(i int) bool { p.buffer = appendTime(p.buffer, of(i)); return true })
}

// timesOrNull is times with NULL for the zero time.
func (p *params) timesOrNull(n int, of func(i int) time.Time) {
	p.array(pgtype.TimestamptzOID, n, func(i int) bool {
		t := of(i)
		if t.IsZero() {
			return false
		}
		p.buffer = appendTime(p.buffer, t)
		return true
	})
}

// bytes adds an array with NULL for nil.
func (p *params) bytes(n int, of func(i int) []byte) {
	p.array(pgtype.ByteaOID, n, func(i int) bool { b := of(i); p.buffer = append(p.buffer, b...); return b != nil })
}

// records adds the parameters of a statement for several records, as recordArrays
// does.
func (p *params) records(requests []write.Request, creates bool) {
	n, at := len(requests), func(i int) *carrierfsm.Record { return &requests[i].Record }
	p.texts(n, func(i int) string { return at(i).ID })
	p.int64s(n, func(i int) int64 { return at(i).Version })
	p.int32s(n, func(i int) int { return at(i).Step })
	p.int32s(n, func(i int) int { return at(i).Table })
	p.bools(n, func(i int) bool { return at(i).InFlight })
	p.timesOrNull(n, func(i int) time.Time { return at(i).Due })
	if creates {
		p.times(n, func(i int) time.Time { return at(i).Created })
	} else {
		p.bytes(n, func(i int) []byte { return write.Previous(at(i)) })
	}
	p.times(n, func(i int) time.Time { return at(i).Updated })
	p.bytes(n, func(i int) []byte { return at(i).CommitID[:] })
	p.texts(n, func(i int) string { return string(at(i).State) })
	p.texts(n, func(i int) string { return at(i).Source })
	p.texts(n, func(i int) string { return string(at(i).Reason) })
	p.texts(n, func(i int) string { return at(i).Key })
	p.bytes(n, func(i int) []byte { return write.Body(at(i)) })
}

// entries adds the entries of all requests, as entryArrays does.
func (p *params) entries(requests []write.Request) {
	type index struct{ request, entry int }
	var list []index
	for i := range requests {
		for j := range requests[i].Entries {
			list = append(list, index{i, j})
		}
	}
	n, at := len(list), func(i int) *carrierfsm.Entry { return &requests[list[i].request].Entries[list[i].entry] }
	p.int64s(n, func(i int) int64 { return int64(list[i].request + 1) })
	p.texts(n, func(i int) string { return at(i).ID })
	p.int32s(n, func(i int) int { return at(i).Step })
	p.texts(n, func(i int) string { return string(at(i).From) })
	p.texts(n, func(i int) string { return string(at(i).Event) })
	p.texts(n, func(i int) string { return string(at(i).To) })
	p.times(n, func(i int) time.Time { return at(i).At })
	p.texts(n, func(i int) string { return at(i).Source })
	p.int64s(n, func(i int) int64 { return at(i).Dwell.Microseconds() })
	p.bytes(n, func(i int) []byte { return at(i).Detail })
}
