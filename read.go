package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/internal/binding"
)

// Get returns a verification, after settling what is overdue. Its errors match
// ErrNotFound, ErrSealed, ErrForged, ErrNewerTable, ErrCorrupt, ErrConflict, ErrClosed or
// ErrStore, or are the context's. What can't be settled now, Run settles later: Get
// returns the verification as it is stored.
func (m *Machine) Get(ctx context.Context, id string) (Verification, error) {
	if err := m.enter(); err != nil {
		return Verification{}, &Error{ID: id, Err: err}
	}
	defer m.leave()
	s, _, err := m.current(ctx, id)
	if err != nil && s.Version == 0 {
		return Verification{}, &Error{ID: id, Err: err}
	}
	v := s.view(m.cfg.Limits)
	m.showBudgets(ctx, s, &v)
	return v, nil
}

// showBudgets completes the prompt, or the end, with what the budgets of the number
// allow. It is only shown, so where the store fails it is left out.
func (m *Machine) showBudgets(ctx context.Context, s *snapshot, v *Verification) {
	key := s.ledgerKey(m.cfg.Limits)
	if key == "" || v.State == Done || v.InFlight {
		return
	}
	var ledger budget.Ledger
	err := withTimeout(ctx, readBackTimeout, func(ctx context.Context) (err error) {
		ledger, err = m.store.Ledger(ctx, key)
		return err
	})
	switch {
	case err != nil:
	case v.Prompt != nil:
		v.Prompt.limitTo(ledger, key, m.now(), m.cfg.Limits)
	default:
		v.End.limitTo(ledger, key, m.now(), m.cfg.Limits)
	}
}

// Read returns a verification as it is stored and changes nothing: Run or Get
// settle what is overdue. It is for operators' tools; Token is never set.
//
// With ErrSealed, ErrForged, ErrNewerTable or ErrCorrupt the Verification has what the
// columns contain, which nothing proves: ID, State, Step, Reason, the website of Source,
// InFlight, Created and Updated. Other errors are ErrNotFound, ErrClosed, ErrStore and the
// context's.
func (m *Machine) Read(ctx context.Context, id string) (Verification, error) {
	if err := m.enter(); err != nil {
		return Verification{}, &Error{ID: id, Err: err}
	}
	defer m.leave()
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return Verification{}, &Error{ID: id, Err: storeError(ctx, err)}
	}
	s, err := m.codec.decode(r)
	if err == nil {
		err = checkMark(ctx, &r)
	}
	if err != nil {
		v := Verification{
			ID: r.ID, State: r.State, Step: r.Step, Reason: r.Reason, Source: Source{Website: r.Source},
			InFlight: r.InFlight, Created: r.Created, Updated: r.Updated,
		}
		return v, &Error{ID: id, State: r.State, Step: r.Step, Err: err}
	}
	v := s.view(m.cfg.Limits)
	v.Token = Secret{}
	return v, nil
}

// History returns the transitions of a verification, in order. Errors are as
// for Get. With ErrSealed, ErrForged or ErrCorrupt it still returns all transitions that
// are stored; those that can't be decoded have the zero Detail.
//
// With a Sealer the history is checked against the record: ErrForged says which step is
// missing, was changed, or does not follow the one before.
func (m *Machine) History(ctx context.Context, id string) ([]Transition, error) {
	if err := m.enter(); err != nil {
		return nil, &Error{ID: id, Err: err}
	}
	defer m.leave()
	h, err := m.history(ctx, id)
	if err != nil {
		return nil, &Error{ID: id, Err: err}
	}
	return h.transitions, h.err()
}

// history reads a history and, with a Sealer, checks it against its record. The two
// are not read at once: if they don't fit, they are read again while the record changes.
func (m *Machine) history(ctx context.Context, id string) (h history, err error) {
	if m.codec.sealer == nil {
		return m.uncheckedHistory(ctx, id)
	}
	var before Record
	for range maxCASRetries {
		r, err := m.store.Load(ctx, id)
		if err != nil {
			return h, storeError(ctx, err)
		}
		if h.err() != nil && r.CommitID == before.CommitID && r.Version == before.Version {
			return h, nil
		}
		entries, err := m.entries(ctx, id)
		if err != nil {
			return h, err
		}
		h = m.codec.decodeHistory(entries)
		s, err := m.codec.decode(r)
		if m.codec.checkHistory(&h, s, err); h.err() == nil {
			return h, nil
		}
		before = r
	}
	return h, nil
}

// uncheckedHistory reads a history where no Sealer is configured.
func (m *Machine) uncheckedHistory(ctx context.Context, id string) (h history, err error) {
	entries, err := m.entries(ctx, id)
	if err == nil && len(entries) == 0 {
		if _, err = m.store.Load(ctx, id); err != nil {
			err = storeError(ctx, err)
		}
	}
	if err != nil {
		return h, err
	}
	return m.codec.decodeHistory(entries), nil
}

func (m *Machine) entries(ctx context.Context, id string) ([]Entry, error) {
	list, err := readMany(ctx, func(ctx context.Context) ([]Entry, error) {
		return m.store.History(ctx, id, 0, 2*maxSteps)
	})
	if err != nil {
		return nil, storeError(ctx, err)
	}
	return list, nil
}

// history is a history as it was read.
type history struct {
	entries     []Entry
	transitions []Transition
	opened      []openedEntry
	errs        []error
	// unproven is set where the chain does not show that the columns of all entries
	// are what was written.
	unproven bool
}

// err is the first error.
func (h *history) err() error { return firstError(h.errs...) }

// decodeHistory decodes each entry by itself.
func (c codec) decodeHistory(entries []Entry) (h history) {
	h.entries = entries
	h.transitions, h.opened = make([]Transition, len(entries)), make([]openedEntry, len(entries))
	for i, e := range entries {
		t, o, err := c.decodeEntry(e)
		if err != nil {
			t.Detail = Detail{}
			o.failed = true
			h.fail(e.To, e.ID, e.Step, err)
		}
		h.transitions[i], h.opened[i] = t, o
	}
	return h
}

func (h *history) fail(s State, id string, step int, err error) {
	h.errs = append(h.errs, &Error{ID: id, State: s, Step: step, Err: err})
}

// failChain is fail for what leaves the columns unproven.
func (h *history) failChain(s *snapshot, step int, format string, args ...any) {
	h.fail(s.State, s.ID, step, forged(format, args...))
	h.unproven = true
}

// checkHistory checks a history against its record: s, or the error of decoding it.
func (c codec) checkHistory(h *history, s *snapshot, undecoded error) {
	if undecoded != nil {
		h.unproven = true
		h.fail(s.State, s.ID, s.Step, undecoded)
		return
	}
	var link binding.Link
	for i := range h.entries {
		step, want := h.entries[i].Step, i+1
		switch {
		case want > s.Step || step < want:
			h.failChain(s, step, "step %d is not of this verification", step)
			return
		case step > want:
			h.failChain(s, want, "%s", missingSteps(want, min(step-1, s.Step)))
			return
		}
		if err := c.checkEntry(h, i, s, link); err != nil {
			h.fail(s.State, s.ID, step, err)
		}
		h.unproven = h.unproven || h.opened[i].failed && step <= s.chain.From
		if step > s.chain.From {
			link = c.follow(link, &h.entries[i])
		}
	}
	switch n := len(h.entries); {
	case n < s.Step:
		h.failChain(s, n+1, "%s", missingSteps(n+1, s.Step))
	case link != s.chain.Head:
		h.failChain(s, n, "the columns of a step up to %d", n)
	}
}

func missingSteps(from, to int) string {
	if from == to {
		return fmt.Sprintf("step %d is missing", from)
	}
	return fmt.Sprintf("steps %d to %d are missing", from, to)
}

// checkEntry checks entry i of a history, whose step is its place.
func (c codec) checkEntry(h *history, i int, s *snapshot, before binding.Link) error {
	step, o := i+1, h.opened[i]
	blanked := s.Reason == Erased && step < s.Step
	switch {
	case o.failed:
		return nil // it has its error
	case o.encoding == encodingBlank && !blanked:
		return forged("the detail of step %d is missing", step)
	case o.encoding == encodingBlank && step <= s.chain.From && (s.chain.Unproven || c.refuseUnbound):
		h.unproven = true
		return forged("step %d could not be checked when it was erased", step)
	case o.encoding == encodingBlank || step <= s.chain.From:
		return nil
	case o.encoding != encodingBound:
		return forged("the detail of step %d is not sealed as its record is", step)
	case o.before != before:
		return forged("step %d does not follow what is stored before it", step)
	}
	return nil
}

// follow adds an entry to a chain.
func (c codec) follow(link binding.Link, e *Entry) binding.Link {
	var v binding.Values
	bindEntry(&v, c.deployment, e)
	return link.Follow(v.Data())
}

// chainOf returns the chain of all entries of a history.
func (c codec) chainOf(h *history) (all chain) {
	for i := range h.entries {
		all.Head = c.follow(all.Head, &h.entries[i])
	}
	return all
}

// Decode decodes an entry that the store returned, as History does. One that is not
// bound to its place, as its detail was erased or an earlier build sealed it, is looked
// up: the record and its history are read and checked. The error matches ErrSealed,
// ErrForged or ErrCorrupt, or is as for History.
func (m *Machine) Decode(ctx context.Context, e Entry) (Transition, error) {
	t, o, err := m.codec.decodeEntry(e)
	if err == nil && m.codec.sealer != nil && o.encoding != encodingBound {
		err = m.lookUp(ctx, &e)
	}
	if err != nil {
		return t, &Error{ID: e.ID, State: e.To, Step: e.Step, Err: err}
	}
	return t, nil
}

// lookUp returns why an entry is not one of its verification's history; nil if it is.
func (m *Machine) lookUp(ctx context.Context, e *Entry) error {
	h, err := m.history(ctx, e.ID)
	if err == nil {
		err = h.err()
	}
	var where *Error
	switch {
	case errors.As(err, &where):
		return where.Err
	case err != nil:
		return err
	}
	for i := range h.transitions {
		t := &h.transitions[i]
		if t.Step == e.Step && t.From == e.From && t.Event == e.Event && t.To == e.To && t.At.Equal(e.At) {
			return nil
		}
	}
	return forged("step %d is not in the history", e.Step)
}

// Summary is what List returns: the columns of a record, and its Reference. Where the
// body is not decoded nothing proves the columns.
type Summary struct {
	ID               string
	State            State
	Step             int
	Source           string
	Reason           Event
	InFlight         bool
	Due              time.Time
	Created, Updated time.Time
	// Shard is the name of the shard that has it; empty where the store has none.
	Shard string
	// Reference is what NewVerification.Reference was, and SourceName the name of Source.
	// They are set by Overdue, and by List where Query.Bodies is set; empty after Erase,
	// and with Err.
	Reference, SourceName string
	// Err, set where the verification was decoded, as for Reference, is why this
	// machine can't read and so not settle it: it matches ErrSealed, ErrNewerTable or
	// ErrCorrupt. It is nil where no reason is known.
	Err error
}

// List returns verifications by their columns, newest first. Unless Query.Bodies is
// set, it does not decode them. For the next page set Query.After to the Created and
// ID of the last. It returns ErrClosed or ErrStore; with a *ShardsError, which matches
// ErrStore, it returns the verifications of the other shards.
func (m *Machine) List(ctx context.Context, q Query) ([]Summary, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	records, err := readMany(ctx, func(ctx context.Context) ([]Record, error) { return m.store.List(ctx, q) })
	return m.summaries(ctx, records, q.Bodies, err)
}

// summaries are records and the error of the store that returned them, which may have
// returned those of some shards.
func (m *Machine) summaries(ctx context.Context, records []Record, decode bool, err error) ([]Summary, error) {
	if err != nil {
		err = storeError(ctx, err)
	}
	list := make([]Summary, len(records))
	for i, r := range records {
		list[i] = m.summary(r, decode)
	}
	return list, err
}

// summary returns the columns of a record, and what its body says if it is to be
// decoded.
func (m *Machine) summary(r Record, decode bool) Summary {
	v := Summary{
		ID: r.ID, State: r.State, Step: r.Step, Source: r.Source, Reason: r.Reason,
		InFlight: r.InFlight, Due: r.Due, Created: r.Created, Updated: r.Updated, Shard: m.partOf(r.ID).name,
	}
	if !decode {
		return v
	}
	if s, err := m.codec.decode(r); err != nil {
		v.Err = &Error{ID: r.ID, State: r.State, Step: r.Step, Err: err}
	} else {
		v.Reference, v.SourceName = s.Reference, s.At.Name
	}
	return v
}

// Overdue returns verifications that Run should have settled and has not: those
// that have been due for longer than the given time, the longest first, at most limit of
// them; zero or less means 100. It settles nothing. While a replica runs Run and the
// store takes writes, only those that can't be decoded are due for longer than
// PollInterval. For the next page pass the Due and ID of the last.
//
// Errors are as for List.
func (m *Machine) Overdue(ctx context.Context, longer time.Duration, after PageKey, limit int) ([]Summary, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	if limit <= 0 {
		limit = 100
	}
	records, err := readMany(ctx, func(ctx context.Context) ([]Record, error) {
		return m.store.Due(ctx, m.now().Add(-max(0, longer)), after, limit)
	})
	return m.summaries(ctx, records, true, err)
}
