package carrierfsm

import (
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// Get returns a verification, after settling what is overdue. It returns
// ErrNotFound, ErrSealed, ErrNewerTable, ErrCorrupt, ErrClosed or ErrStore.
func (m *Machine) Get(ctx context.Context, id string) (Verification, error) {
	if err := m.enter(); err != nil {
		return Verification{}, &Error{ID: id, Err: err}
	}
	defer m.leave()
	s, _, err := m.current(ctx, id)
	if err != nil && s.Version == 0 {
		return Verification{}, &Error{ID: id, Err: err}
	}
	v := s.view(m.cfg.Limits) // Run settles later what could not be settled now
	m.showBudgets(ctx, &s, &v)
	return v, nil
}

// showBudgets completes the prompt with what the budgets of the number allow. It is
// only shown, so where the store fails it is left out.
func (m *Machine) showBudgets(ctx context.Context, s *snapshot, v *Verification) {
	key := s.ledgerKey(m.cfg.Limits)
	if key == "" || v.Prompt == nil || v.InFlight {
		return
	}
	var ledger budget.Ledger
	err := answered(ctx, readBackTimeout, func(ctx context.Context) (err error) {
		ledger, err = m.store.Ledger(ctx, key)
		return err
	})
	if err == nil {
		v.Prompt.limitTo(ledger, key, m.now(), m.cfg.Limits)
	}
}

// Read returns a verification as it is stored and changes nothing: Run or Get
// settle what is overdue. It is for operators' tools; Token is never set.
//
// With ErrSealed, ErrNewerTable or ErrCorrupt the Verification has what the
// columns contain: ID, State, Step, Reason, the website of Source, InFlight,
// Created and Updated. Other errors are ErrNotFound, ErrClosed and ErrStore.
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
// for Get. With ErrSealed or ErrCorrupt it still returns all transitions; those
// that can't be decoded have the zero Detail.
func (m *Machine) History(ctx context.Context, id string) ([]Transition, error) {
	if err := m.enter(); err != nil {
		return nil, &Error{ID: id, Err: err}
	}
	defer m.leave()
	entries, err := readMany(ctx, func(ctx context.Context) ([]Entry, error) {
		return m.store.History(ctx, id, 0, 2*maxSteps)
	})
	if err != nil {
		return nil, &Error{ID: id, Err: storeError(ctx, err)}
	}
	if len(entries) == 0 {
		if _, err := m.store.Load(ctx, id); err != nil {
			return nil, &Error{ID: id, Err: storeError(ctx, err)}
		}
	}
	list := make([]Transition, len(entries))
	var first error
	for i, e := range entries {
		list[i], err = m.Decode(e)
		if err != nil {
			list[i].Detail = Detail{}
			first = firstError(first, err)
		}
	}
	return list, first
}

// Decode decodes an entry that the store returned, as History does. The error
// matches ErrSealed or ErrCorrupt.
func (m *Machine) Decode(e Entry) (Transition, error) {
	t, err := m.codec.decodeEntry(e)
	if err != nil {
		return t, &Error{ID: e.ID, State: e.To, Step: e.Step, Err: err}
	}
	return t, nil
}

// Summary is what List returns: the columns of a record, and its Reference.
type Summary struct {
	ID               string
	State            State
	Step             int
	Source           string
	Reason           Event
	InFlight         bool
	Due              time.Time
	Created, Updated time.Time
	// Reference is what NewVerification.Reference was. It is set by Overdue, and by
	// List where Query.Bodies is set; empty after Erase, and with Err.
	Reference string
	// Err, set where the verification was decoded, as for Reference, is why this
	// machine can't read and so not settle it: it matches ErrSealed, ErrNewerTable or
	// ErrCorrupt. It is nil where no reason is known.
	Err error
}

// List returns verifications by their columns, newest first. Unless Query.Bodies is
// set, it does not decode them. For the next page set Query.After to the Created and
// ID of the last. It returns ErrClosed or ErrStore.
func (m *Machine) List(ctx context.Context, q Query) ([]Summary, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	records, err := readMany(ctx, func(ctx context.Context) ([]Record, error) { return m.store.List(ctx, q) })
	if err != nil {
		return nil, storeError(ctx, err)
	}
	list := make([]Summary, len(records))
	for i, r := range records {
		list[i] = m.summary(r, q.Bodies)
	}
	return list, nil
}

// summary returns the columns of a record, and what its body says if it is to be
// decoded.
func (m *Machine) summary(r Record, decode bool) Summary {
	v := Summary{
		ID: r.ID, State: r.State, Step: r.Step, Source: r.Source, Reason: r.Reason,
		InFlight: r.InFlight, Due: r.Due, Created: r.Created, Updated: r.Updated,
	}
	if !decode {
		return v
	}
	if s, err := m.codec.decode(r); err != nil {
		v.Err = &Error{ID: r.ID, State: r.State, Step: r.Step, Err: err}
	} else {
		v.Reference = s.Reference
	}
	return v
}

// Overdue returns verifications that Run should have settled and has not: those
// that have been due for longer than the given
// time, the longest first, at most limit of them; zero or less means 100. It
// settles nothing. While a replica runs Run and the store takes writes, only
// those that can't be decoded are due for longer than PollInterval. For the
// next page pass the Due and ID of the last.
//
// It returns ErrClosed or ErrStore.
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
	if err != nil {
		return nil, storeError(ctx, err)
	}
	list := make([]Summary, len(records))
	for i, r := range records {
		list[i] = m.summary(r, true)
	}
	return list, nil
}
