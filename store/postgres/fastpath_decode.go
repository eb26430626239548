package postgres

import (
	"encoding/binary"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Decoding of rows for the fast path; see fastpath_exec.go. The plain way is
// scanRecordWithBody.

// rowReader reads the values of a row from left to right.
type rowReader struct {
	values [][]byte
	err    error // errRow after a value that is missing or has the wrong size
}

// next returns the next value, which must have that many bytes, or any number if
// size is -1.
func (r *rowReader) next(size int) []byte {
	if len(r.values) == 0 || size >= 0 && len(r.values[0]) != size {
		r.err, r.values = errRow, nil
		return make([]byte, max(size, 0))
	}
	value := r.values[0]
	r.values = r.values[1:]
	return value
}

func (r *rowReader) text() string { return string(r.next(-1)) }
func (r *rowReader) int64() int64 { return int64(binary.BigEndian.Uint64(r.next(8))) }
func (r *rowReader) int32() int   { return int(int32(binary.BigEndian.Uint32(r.next(4)))) }
func (r *rowReader) bool() bool   { return r.next(1)[0] != 0 }

func (r *rowReader) time() time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(r.next(8))) + epoch).UTC()
}

// timeOrZero returns the zero time for NULL.
func (r *rowReader) timeOrZero() time.Time {
	if len(r.values) > 0 && r.values[0] == nil {
		r.values = r.values[1:]
		return time.Time{}
	}
	return r.time()
}

// decodeRecord decodes a row of recordsWithBody. The body is borrowed from the row.
func decodeRecord(values [][]byte) (r carrierfsm.Record, err error) {
	row := rowReader{values: values}
	r.ID, r.Version, r.Step, r.Table, r.InFlight = row.text(), row.int64(), row.int32(), row.int32(), row.bool()
	r.Due, r.Created, r.Updated = row.timeOrZero(), row.time(), row.time()
	copy(r.CommitID[:], row.next(len(r.CommitID)))
	r.State, r.Source = carrierfsm.State(row.text()), row.text()
	r.Reason, r.Key, r.Body = carrierfsm.Event(row.text()), row.text(), row.next(-1)
	return r, row.err
}
