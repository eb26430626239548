package carrierfsm

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
)

// Sealer encrypts what is stored, bound to its place by the associated data.
// Package store/seal has one with AES-256-GCM; a tink AEAD is one too. It must
// be safe for concurrent use, and Decrypt must open what older keys sealed.
// Neither method may keep or change its arguments.
type Sealer interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// appendSealer is a further power of a Sealer, which saves a copy: the result is
// appended to dst.
type appendSealer interface {
	AppendEncrypt(dst, plaintext, associatedData []byte) ([]byte, error)
}

// sealedPrefix is the first byte of a sealed body or detail. Plain JSON begins
// with '{'.
const sealedPrefix = 'S'

var errBody = fmt.Errorf("%w: its body can't be decoded", ErrCorrupt)

// codec encodes snapshots and transitions for a store, and decodes them.
type codec struct{ sealer Sealer }

// encodedRecord is a decision as it is given to a store.
type encodedRecord struct {
	record  Record
	entries []Entry

	buffer []byte // holds the body and the details
	plain  []byte // what is being sealed
	data   []byte // the associated data of what is being sealed

	// failed is true once a store has returned an error for it: it may go on reading.
	failed bool

	// Where entries and buffer begin, to save allocations.
	fewEntries  [2]Entry
	smallBuffer [768]byte
}

// encodedRecords are those whose commit a store has acknowledged: it has copied what
// it keeps. The 1.4 kB of each of the two commits would be two fifths of what a
// submission in memory allocates.
var encodedRecords = sync.Pool{New: func() any { return new(encodedRecord) }}

// release clears an encoded record and lets another decision have its memory, unless
// a store may still read it.
func (e *encodedRecord) release() {
	if !e.failed {
		*e = encodedRecord{}
		encodedRecords.Put(e)
	}
}

// encode encodes a decision, with a new commit id.
func (c codec) encode(d *decision) (*encodedRecord, error) {
	if d.err != nil {
		return nil, d.err
	}
	e, _ := encodedRecords.Get().(*encodedRecord)
	e.buffer, e.entries = e.smallBuffer[:0], e.fewEntries[:0]
	if c.sealer != nil {
		e.plain, e.data = make([]byte, 0, len(e.smallBuffer)), make([]byte, 0, 64)
	}
	if err := c.encodeSnapshot(&d.snapshot, e); err != nil {
		return nil, err
	}
	e.record.Previous, e.record.CommitID = d.CommitID, newCommitID()
	for i := range d.transitions {
		entry, err := c.encodeTransition(&d.transitions[i], e)
		if err != nil {
			return nil, err
		}
		e.entries = append(e.entries, entry)
	}
	return e, nil
}

// encodeSnapshot encodes the body of s into e's record, and sets the columns
// that follow from the body.
func (c codec) encodeSnapshot(s *snapshot, e *encodedRecord) (err error) {
	if s.Reason == Erased {
		c = codec{} // a tombstone contains nothing to seal
	}
	r := &e.record
	*r = s.Record
	r.Source = s.At.Website
	r.InFlight = s.Intent != nil
	r.Table = max(stateSince[s.State], eventSince[s.Reason], promptSince[s.Ask])
	if c.sealer != nil {
		e.data = appendRecordData(e.data[:0], r.ID)
	}
	text, err := s.appendJSON(c.target(e))
	if err == nil {
		r.Body, err = c.keep(e, text)
	}
	return err
}

// encodeTransition encodes a transition as an entry whose Detail is in e's buffer.
func (c codec) encodeTransition(t *Transition, e *encodedRecord) (Entry, error) {
	if t.Event == Erased {
		c = codec{}
	}
	if c.sealer != nil {
		e.data = appendDetailData(e.data[:0], t.ID, t.Step)
	}
	entry := Entry{ID: t.ID, Step: t.Step, From: t.From, Event: t.Event, To: t.To, At: t.At}
	stored := storedDetail{t.Detail, t.Reference}
	text, err := stored.appendJSON(c.target(e))
	if err == nil {
		entry.Detail, err = c.keep(e, text)
	}
	return entry, err
}

// target is the buffer to which the JSON of a body or detail is appended.
func (c codec) target(e *encodedRecord) []byte {
	if c.sealer != nil {
		return e.plain[:0]
	}
	return e.buffer
}

// keep makes the JSON that was appended to target a part of e's buffer, sealed
// with e's associated data where there is a Sealer, and returns that part.
func (c codec) keep(e *encodedRecord, text []byte) (_ []byte, err error) {
	begin := len(e.buffer)
	if c.sealer == nil {
		e.buffer = text
	} else {
		e.plain = text
		e.buffer, err = c.appendSealed(append(e.buffer, sealedPrefix), text, e.data)
	}
	return e.buffer[begin:len(e.buffer):len(e.buffer)], err
}

// appendSealed appends what the Sealer makes of a text.
func (c codec) appendSealed(dst, plain, data []byte) ([]byte, error) {
	var sealed []byte
	var err error
	if s, ok := c.sealer.(appendSealer); ok {
		dst, err = s.AppendEncrypt(dst, plain, data)
	} else if sealed, err = c.sealer.Encrypt(plain, data); err == nil {
		dst = append(dst, sealed...)
	}
	if err != nil {
		return dst, fmt.Errorf("carrierfsm: the sealer failed: %w", err)
	}
	return dst, nil
}

// decode decodes a record. Its errors match ErrNewerTable, ErrSealed or
// ErrCorrupt; the returned snapshot then has the columns.
func (c codec) decode(r Record) (snapshot, error) {
	s := snapshot{Record: r}
	if r.Table > tableVersion {
		return s, fmt.Errorf("%w: table version %d, this build has %d", ErrNewerTable, r.Table, tableVersion)
	}
	if !r.State.known() || r.State == Applied || r.Step < 0 {
		return s, fmt.Errorf("%w: its columns contradict each other", ErrCorrupt)
	}
	text, err := r.Body, error(nil)
	if isSealed(text) {
		text, err = c.unseal(text, appendRecordData(nil, r.ID))
	}
	if err == nil && s.unmarshal(text) != nil {
		err = errBody
	}
	if err == nil && promptSince[s.Ask] == 0 && !r.State.Terminal() {
		err = fmt.Errorf("%w: its prompt is of an unknown kind", ErrCorrupt)
	}
	return s, err
}

// decodeEntry decodes an entry of the history. A blanked entry has the zero Detail.
func (c codec) decodeEntry(e Entry) (Transition, error) {
	t := Transition{ID: e.ID, Step: e.Step, From: e.From, Event: e.Event, To: e.To, At: e.At}
	if len(e.Detail) == 0 {
		return t, nil
	}
	text, err := e.Detail, error(nil)
	if isSealed(text) {
		text, err = c.unseal(text, appendDetailData(nil, e.ID, e.Step))
	}
	var stored storedDetail
	if err == nil && stored.unmarshal(text) != nil {
		err = errBody
	}
	t.Detail, t.Reference = stored.Detail, stored.Reference
	return t, err
}

func isSealed(data []byte) bool { return len(data) > 0 && data[0] == sealedPrefix }

// unseal decrypts a sealed body or detail. Its errors match ErrSealed.
func (c codec) unseal(sealed, data []byte) (plain []byte, err error) {
	if c.sealer == nil {
		return nil, fmt.Errorf("%w: no Sealer is configured", ErrSealed)
	}
	if plain, err = c.sealer.Decrypt(sealed[1:], data); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSealed, err)
	}
	return plain, nil
}

// appendRecordData appends the associated data of a record's body.
func appendRecordData(dst []byte, id string) []byte {
	return append(append(dst, "carrierfsm record "...), id...)
}

// appendDetailData appends the associated data of a transition's detail.
func appendDetailData(dst []byte, id string, step int) []byte {
	dst = append(append(dst, "carrierfsm detail "...), id...)
	return strconv.AppendInt(append(dst, ' '), int64(step), 10)
}

// newCommitID returns a random id. It is no secret: it only has to differ from
// the record's other commit ids.
func newCommitID() (id [16]byte) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // seeded by the system, and no secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // as above
	return id
}
