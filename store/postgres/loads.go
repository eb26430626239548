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
}

const loadMany = wholeRecord + `WHERE v.id = ANY ($1::text[])`

// How loads are shared: as soon as two have to wait, for to read one more record
// costs the server next to nothing beside another statement; and few at once,
// so that connections are left for writes.
const (
	loadFlights = 4
	loadLeast   = 2
)

func (s *Store) newLoads() *group.Queue[*loading] {
	return group.New(group.Config[*loading]{
		Write: s.loadAll, Flights: loadFlights, Least: loadLeast, Most: groupMost, Patience: patience,
		Names: func(*loading) []string { return nil }, // readers are in nobody's way
	})
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
	errs := make([]error, len(list))
	ctx, cancel := context.WithTimeout(ctx, s.timeout) // others wait behind it
	defer cancel()
	if len(list) == 1 {
		errs[0] = s.loadOne(ctx, list[0])
		return errs
	}
	ids := make([]string, len(list))
	for i, l := range list {
		ids[i] = l.id
	}
	records, err := read(ctx, s.pool, scanWhole, loadMany, ids)
	for i, l := range list {
		switch {
		case refused(err): // one of them spoils it for all
			errs[i] = s.loadOne(ctx, l)
		case err != nil:
			errs[i] = err
		default:
			errs[i] = l.find(records)
		}
	}
	return errs
}

func (s *Store) loadOne(ctx context.Context, l *loading) error {
	records, err := read(ctx, s.pool, scanWhole, loadRecord, l.id)
	if err != nil {
		return err
	}
	return l.find(records)
}

// find takes over its own record, with a body of its own.
func (l *loading) find(records []carrierfsm.Record) error {
	for _, r := range records {
		if r.ID == l.id {
			l.record = r
			l.record.Body = append([]byte{}, r.Body...)
			return nil
		}
	}
	return carrierfsm.ErrNotFound
}
