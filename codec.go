package carrierfsm

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/binding"
	"github.com/carrierfsm/carrierfsm/internal/jsonfields"
)

// encodedRecord is a decision as it is given to a store.
type encodedRecord struct {
	record  Record
	entries []Entry

	buffer []byte          // holds the body and the details
	plain  []byte          // what is being sealed
	values *binding.Values // what it is bound to

	// failed is true once a store has returned an error for it: the store may still be
	// reading it.
	failed bool

	// Where entries and buffer begin, to save allocations.
	fewEntries  [2]Entry
	smallBuffer [768]byte
}

// encodedRecords are those that can be used again: a store has acknowledged the commit,
// so it has copied what it keeps. Without the pool the 1.4 kB of each of the two commits
// would be two fifths of what a submission in memory allocates.
var encodedRecords = sync.Pool{New: func() any { return new(encodedRecord) }}

// release clears an encoded record and gives its memory to the pool, unless a store may
// still read it.
func (e *encodedRecord) release() {
	if !e.failed {
		*e = encodedRecord{}
		encodedRecords.Put(e)
	}
}

func (c codec) newEncodedRecord() *encodedRecord {
	e, _ := encodedRecords.Get().(*encodedRecord)
	e.buffer, e.entries = e.smallBuffer[:0], e.fewEntries[:0]
	if c.sealer != nil {
		e.plain, e.values = make([]byte, 0, len(e.smallBuffer)), new(binding.Values)
	}
	return e
}

// bind reports whether what is encoded is sealed and bound to its place.
func (c codec) bind() bool { return c.sealer != nil && !c.sealUnbound }

// encode encodes a decision, with a new commit id. It adds the transitions to the
// chain of d; a second call encodes the same again.
func (c codec) encode(d *decision) (*encodedRecord, error) {
	if d.err != nil {
		return nil, d.err
	}
	e := c.newEncodedRecord()
	if !d.linked {
		d.before, d.linked = d.chain, true
	}
	d.chain = d.before
	since := d.since
	for i := range d.transitions {
		t := &d.transitions[i]
		entry, err := c.encodeEntry(columnsOf(t, max(0, dwell(t, &since))), t, &d.chain, e)
		if err != nil {
			return nil, err
		}
		e.entries = append(e.entries, entry)
	}
	if err := c.encodeSnapshot(&d.snapshot, e); err != nil {
		return nil, err
	}
	e.record.Spends = d.spends
	return e, nil
}

// encodeSnapshot encodes the body of s into e's record, with a new commit id, and sets
// the columns that follow from the body.
func (c codec) encodeSnapshot(s *snapshot, e *encodedRecord) (err error) {
	r := &e.record
	*r = s.Record
	r.Previous, r.CommitID = s.CommitID, newCommitID()
	r.Source = s.At.Website
	r.InFlight = s.Intent != nil
	r.Table = max(stateSince[s.State], eventSince[s.Reason], promptSince[s.Ask])
	target := c.target(e)
	switch {
	case c.bind():
		r.Table = max(r.Table, boundSince)
		bindRecord(e.values, c.deployment, r)
		target = s.chain.append(target)
	case c.sealer != nil:
		bindUnbound(e.values, unboundRecord, r.ID, 0)
	}
	text, err := s.appendJSON(target)
	if err == nil {
		r.Body, err = c.keep(e, text)
	}
	return err
}

// columnsOf returns the entry of a transition without its Detail.
func columnsOf(t *Transition, dwell time.Duration) Entry {
	return Entry{
		ID: t.ID, Step: t.Step, From: t.From, Event: t.Event, To: t.To, At: t.At,
		Source: t.Detail.Source, Dwell: dwell,
	}
}

// encodeEntry encodes a transition as an entry with these columns, whose Detail is in
// e's buffer, and adds it to the chain.
func (c codec) encodeEntry(entry Entry, t *Transition, h *chain, e *encodedRecord) (Entry, error) {
	target := c.target(e)
	switch {
	case c.bind():
		bindEntry(e.values, c.deployment, &entry)
		target = append(target, h.Head[:]...)
		h.Head = h.Head.Follow(e.values.Data())
	case c.sealer != nil:
		bindUnbound(e.values, unboundDetail, t.ID, t.Step)
	}
	stored := storedDetail{Detail: t.Detail, Reference: t.Reference, Dwell: dwellMark(&entry)}
	text, err := stored.appendJSON(target)
	if err == nil {
		entry.Detail, err = c.keep(e, text)
	}
	return entry, err
}

// target is the buffer to which a body or detail is appended.
func (c codec) target(e *encodedRecord) []byte {
	if c.sealer != nil {
		return e.plain[:0]
	}
	return e.buffer
}

// keep makes the text that was appended to target a part of e's buffer, sealed
// with e's values where there is a Sealer, and returns that part.
func (c codec) keep(e *encodedRecord, text []byte) (_ []byte, err error) {
	begin := len(e.buffer)
	switch {
	case c.sealer == nil:
		e.buffer = text
		return e.buffer[begin:len(e.buffer):len(e.buffer)], nil
	case c.bind():
		e.buffer = append(append(e.buffer, boundPrefix), e.values.Marks()...)
	default:
		e.buffer = append(e.buffer, unboundPrefix)
	}
	e.plain = text
	e.buffer, err = c.appendSealed(e.buffer, text, e.values.Data())
	return e.buffer[begin:len(e.buffer):len(e.buffer)], err
}

// append encodes the chain at the end of dst.
func (h *chain) append(dst []byte) []byte {
	var unproven byte
	if h.Unproven {
		unproven = 1
	}
	return append(binary.AppendUvarint(append(dst, h.Head[:]...), uint64(h.From)), unproven)
}

// decode decodes a chain from the beginning of text, and returns the rest.
func (h *chain) decode(text []byte) (rest []byte, err error) {
	n := copy(h.Head[:], text)
	from, size := binary.Uvarint(text[n:])
	if n += size; size <= 0 || len(text) <= n || from > math.MaxInt32 {
		return nil, errBody
	}
	h.From, h.Unproven = int(from), text[n] != 0
	return text[n+1:], nil
}

var errBody = fmt.Errorf("%w: its body can't be decoded", ErrCorrupt)

// decode decodes a record. Its errors match ErrNewerTable, ErrSealed, ErrForged or
// ErrCorrupt; the returned snapshot then has the columns.
func (c codec) decode(r Record) (*snapshot, error) {
	s := &snapshot{Record: r}
	if r.Table > tableVersion {
		return s, fmt.Errorf("%w: table version %d, this build has %d", ErrNewerTable, r.Table, tableVersion)
	}
	if !r.State.known() || r.State == Applied || r.Step < 0 {
		return s, fmt.Errorf("%w: its columns contradict each other", ErrCorrupt)
	}
	text, err := c.openBody(&r, &s.chain)
	if err == nil && s.unmarshal(text) != nil {
		err = errBody
	}
	if err == nil && promptSince[s.Ask] == 0 && !r.State.Terminal() {
		err = fmt.Errorf("%w: its prompt is of an unknown kind", ErrCorrupt)
	}
	return s, err
}

// openBody returns the JSON of a body.
func (c codec) openBody(r *Record, h *chain) (text []byte, err error) {
	e := encodingOf(r.Body)
	if e == encodingBound {
		values := new(binding.Values)
		bindRecord(values, c.deployment, r)
		if text, err = c.openBound(r.Body, values, recordColumns[:]); err == nil {
			text, err = h.decode(text)
		}
		return text, err
	}
	if err := c.refuseEncoding(e, "body"); err != nil {
		return nil, err
	}
	if c.sealer != nil {
		h.From = r.Step
	}
	if e == encodingUnbound {
		values := new(binding.Values)
		bindUnbound(values, unboundRecord, r.ID, 0)
		return c.unseal(r.Body[1:], values.Data())
	}
	return r.Body, nil
}

// openedEntry is what decodeEntry finds beside the Transition.
type openedEntry struct {
	encoding encoding
	before   binding.Link // the chain before it, of a bound one
	failed   bool         // it could not be decoded
}

// decodeEntry decodes an entry of the history by itself. A blank one has the zero
// Detail, and nothing proves its columns but the chain; see follow.
func (c codec) decodeEntry(e Entry) (t Transition, o openedEntry, err error) {
	t = Transition{ID: e.ID, Step: e.Step, From: e.From, Event: e.Event, To: e.To, At: e.At}
	o.encoding = encodingOf(e.Detail)
	var values binding.Values
	text := e.Detail
	switch o.encoding {
	case encodingBlank:
		return t, o, nil
	case encodingBound:
		bindEntry(&values, c.deployment, &e)
		text, err = c.openBound(text, &values, entryColumns[:])
		if n := copy(o.before[:], text); err == nil {
			text = text[n:]
		}
	case encodingUnbound:
		if err = c.refuseEncoding(o.encoding, "detail"); err == nil {
			bindUnbound(&values, unboundDetail, e.ID, e.Step)
			text, err = c.unseal(text[1:], values.Data())
		}
	default:
		err = c.refuseEncoding(o.encoding, "detail")
	}
	var stored storedDetail
	if err == nil && stored.unmarshal(text) != nil {
		err = errBody
	}
	if err == nil && o.encoding != encodingPlain {
		err = stored.checkColumns(&e)
	}
	t.Detail, t.Reference = stored.Detail, stored.Reference
	return t, o, err
}

// dwellMark returns what storedDetail.Dwell is for an entry.
func dwellMark(e *Entry) int64 {
	if e.Source == "" && e.Dwell == 0 {
		return 0
	}
	return e.Dwell.Microseconds() + 1
}

// checkColumns compares the columns that an entry is not bound to with what was sealed.
func (d *storedDetail) checkColumns(e *Entry) error {
	switch mark := dwellMark(e); {
	case mark == 0 && d.Dwell == 0:
		return nil
	case d.Dwell == 0 && e.Source != "", d.Dwell != 0 && e.Source != d.Source:
		return forged("source")
	case mark != d.Dwell || e.Dwell%time.Microsecond != 0:
		return forged("dwell")
	}
	return nil
}

// packed is a snapshot as it is kept in memory, in a third of its size: without its ID and
// the columns that encode sets.
type packed string

// pack returns "" for what can't be packed.
func (s *snapshot) pack() packed {
	e, _ := encodedRecords.Get().(*encodedRecord)
	defer e.release()
	f := jsonfields.Pack(e.smallBuffer[:0])
	if s.packedFields(&f); !f.Done() {
		return ""
	}
	return packed(f.Text())
}

// unpack returns the snapshot with an ID. Nothing of it keeps p in memory, which has a
// token and a phone number.
func (p packed) unpack(id string) (s *snapshot, ok bool) {
	if p == "" {
		return nil, false
	}
	s = new(snapshot)
	f := jsonfields.Unpack(string(p), knownWords)
	s.packedFields(&f)
	s.ID = id
	return s, f.Done()
}

func (s *snapshot) packedFields(f *jsonfields.Fields) {
	jsonfields.Word(f, "state", &s.State, jsonfields.Keep)
	jsonfields.Word(f, "reason", &s.Reason, jsonfields.Keep)
	jsonfields.Int(f, "step", &s.Step, jsonfields.Keep)
	jsonfields.Int(f, "version", &s.Version, jsonfields.Keep)
	f.Fixed(s.CommitID[:])
	f.String("key", &s.Key, jsonfields.Keep)
	f.Time("created", &s.Created, jsonfields.Keep)
	f.Time("updated", &s.Updated, jsonfields.Keep)
	f.Time("due", &s.Due, jsonfields.Keep)
	if f.Object("chain", s.chain != chain{}) {
		f.Fixed(s.chain.Head[:])
		jsonfields.Int(f, "from", &s.chain.From, jsonfields.Keep)
		f.Bool("unproven", &s.chain.Unproven)
		f.End()
	}
	s.fields(f) // the body's
}

// newCommitID returns a random id. It is no secret: it only has to differ from
// the record's other commit ids.
func newCommitID() (id [16]byte) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // seeded by the system, and no secret
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // as above
	return id
}
