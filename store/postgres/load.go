package postgres

import (
	"cmp"
	"context"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// loading is one call of Load in the queue.
type loading struct {
	id     string
	record carrierfsm.Record
	found  bool
}

const loadBatch = recordsWithBody + `JOIN unnest($1::text[]) WITH ORDINALITY AS i (id, ord) ON v.id = i.id WHERE ` + fewRows

// maxLoads is how many loads run at the same time before they are batched: one more
// record in a statement costs the server much less than one more statement, and writes
// need connections too.
const maxLoads = 4

// newLoadQueue returns the queue of Load. Loads lock nothing.
func (s *Store) newLoadQueue() *batch.Queue[*loading] {
	return batch.New(batch.Config[*loading]{
		WriteOne: s.loadOne, WriteBatch: s.loadAll, Concurrency: maxLoads, MaxItems: maxBatch, MinWait: minBatchWait, MaxWait: maxBatchWait,
	})
}

// Load implements carrierfsm.Store. It returns what was committed before the call,
// or something newer.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if !legal.ID(id) {
		return carrierfsm.Record{}, cmp.Or(s.usable(ctx), carrierfsm.ErrNotFound)
	}
	if err := s.confirm(ctx, id); err != nil {
		return carrierfsm.Record{}, err
	}
	l := &loading{id: id}
	if err := enqueue(ctx, s, s.loads, l); err != nil {
		return carrierfsm.Record{}, s.orMoved(ctx, err)
	}
	return l.record, nil
}

// loadAll loads records in one statement and returns an error for each.
func (s *Store) loadAll(ctx context.Context, list []*loading) []error {
	ids := make([]string, len(list))
	for i, l := range list {
		ids[i] = l.id
	}
	err := s.load(ctx, s.loadSQL[1], ids, list...)
	errs := make([]error, len(list))
	for i, l := range list {
		if rolledBack(err) { // because of one of them
			errs[i] = s.loadOne(ctx, l)
		} else {
			errs[i] = l.result(err)
		}
	}
	return errs
}

func (s *Store) loadOne(ctx context.Context, l *loading) error {
	return l.result(s.load(ctx, s.loadSQL[0], l.id, l))
}

// load runs one of loadSQL with its argument.
func (s *Store) load(ctx context.Context, sql string, arg any, list ...*loading) error {
	if s.fast {
		return s.loadFast(ctx, sql, list)
	}
	return s.loadPlain(ctx, sql, arg, list)
}

func (s *Store) loadPlain(ctx context.Context, sql string, arg any, list []*loading) error {
	records, err := read(ctx, s, scanRecordWithBody, sql, arg)
	for _, r := range records {
		fill(list, r)
	}
	return err
}

// fill gives a record to each caller that asked for it, with its own copy of the
// body.
func fill(list []*loading, r carrierfsm.Record) {
	for _, l := range list {
		if l.id == r.ID {
			l.record, l.found = r, true
			l.record.Body = append([]byte{}, r.Body...)
		}
	}
}

// result returns what Load returns after its statement returned err.
func (l *loading) result(err error) error {
	if err == nil && !l.found {
		return carrierfsm.ErrNotFound
	}
	return err
}
