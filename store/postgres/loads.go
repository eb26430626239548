package postgres

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/group"
)

// loading is a load on its way.
type loading struct {
	id     string
	record carrierfsm.Record
	found  bool
}

const loadMany = wholeRecord + `JOIN unnest($1::text[]) WITH ORDINALITY AS i (id, ord) ON v.id = i.id WHERE ` + few

// loadFlights is how many loads go side by side; more share a statement. They are
// fewer than writes: to read one more record costs the server next to nothing
// beside another statement, and connections are left for writes.
const loadFlights = 4

func (s *Store) newLoads() *group.Queue[*loading] {
	return group.New(group.Config[*loading]{
		One: s.loadOne, Write: s.loadAll, Flights: loadFlights, Most: groupMost, Patience: patience,
	}) // without a claim: readers are in nobody's way
}

// Load is carrierfsm.Store's. It sees all that was committed before it was called.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	l := &loading{id: id}
	if err := s.loads.Do(ctx, l); err != nil {
		return carrierfsm.Record{}, err
	}
	return l.record, nil
}

// loadAll reads records by one statement, and tells of each what came of it.
func (s *Store) loadAll(ctx context.Context, list []*loading) []error {
	ids := make([]string, len(list))
	for i, l := range list {
		ids[i] = l.id
	}
	bounded, cancel := s.bounded(ctx) // others wait behind it
	err := s.loadBy(bounded, loadMany, ids, list...)
	cancel()
	errs := make([]error, len(list))
	for i, l := range list {
		if refused(err) { // one of them spoils it for all
			errs[i] = s.loadOne(ctx, l)
		} else {
			errs[i] = l.verdict(err)
		}
	}
	return errs
}

func (s *Store) loadOne(ctx context.Context, l *loading) error {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	return l.verdict(s.loadBy(ctx, loadRecord, l.id, l))
}

// loadBy loads by one of the two statements and its argument.
func (s *Store) loadBy(ctx context.Context, sql string, arg any, list ...*loading) error {
	if s.directly {
		return s.loadDirectly(ctx, sql, list)
	}
	records, err := read(ctx, s.pool, scanWhole, sql, arg)
	for _, r := range records {
		fill(list, r)
	}
	return err
}

// fill gives a record to those that want it, each with a body of its own.
func fill(list []*loading, r carrierfsm.Record) {
	for _, l := range list {
		if l.id == r.ID {
			l.record, l.found = r, true
			l.record.Body = append([]byte{}, r.Body...)
		}
	}
}

// verdict is what a load returns whose statement ended with err.
func (l *loading) verdict(err error) error {
	if err == nil && !l.found {
		return carrierfsm.ErrNotFound
	}
	return err
}
