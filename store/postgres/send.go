package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
)

// errAgain is the verdict that what was in the way is gone.
var errAgain = errors.New("carrierfsm/postgres: others were faster, each time")

// reasons are why a draft was not done, as the statements count them.
var reasons = [...]error{carrierfsm.ErrNotFound, carrierfsm.ErrConflict, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, errAgain}

// sendOne writes a draft and returns its verdict. With an error it has none.
// That two took one key at once is an error of the server's, and a verdict all
// the same.
func (w *writer) sendOne(ctx context.Context, db querier, d *draft) (verdict, err error) {
	s := w.statementsFor(d.record.Key != "")
	done, err := w.runOne(ctx, db, s, d)
	switch {
	case violates(err, "carrierfsm_key"):
		return carrierfsm.ErrKeyInUse, nil
	case err != nil || done:
		return nil, err
	}
	verdicts := make([]error, 1)
	s.explain(ctx, db, []draft{*d}, []bool{false}, verdicts)
	return verdicts[0], nil
}

// send writes several drafts in one statement and returns a verdict for each.
// With an error of its own nobody has one.
func (w *writer) send(ctx context.Context, db querier, drafts []draft) ([]error, error) {
	s := w.statementsFor(slices.ContainsFunc(drafts, func(d draft) bool { return d.record.Key != "" }))
	done, err := w.runMany(ctx, db, s, drafts)
	if err != nil {
		return nil, err
	}
	verdicts := make([]error, len(drafts))
	if slices.Contains(done, false) {
		s.explain(ctx, db, drafts, done, verdicts)
	}
	return verdicts, nil
}

func (w *writer) statementsFor(keyed bool) *statements {
	if keyed {
		return &w.keyed
	}
	return &w.free
}

// runOne runs the statement for a draft, and tells whether it wrote it.
func (w *writer) runOne(ctx context.Context, db querier, s *statements, d *draft) (done bool, err error) {
	if w.directly && db == querier(w.pool) {
		return w.runOneDirectly(ctx, s, d)
	}
	sql, args := s.bare, recordArgs(&d.record)
	switch {
	case len(d.entries) > 1:
		sql, args = s.several, append(args, entryArrays([]draft{*d})...)
	case len(d.entries) == 1:
		sql, args = s.one, append(args, entryArgs(&d.entries[0])...)
	}
	tag, err := db.Exec(ctx, sql, args...)
	return tag.RowsAffected() > 0, err
}

// runMany runs the statement for several drafts, and tells which of them it wrote.
func (w *writer) runMany(ctx context.Context, db querier, s *statements, drafts []draft) (done []bool, err error) {
	if w.directly && db == querier(w.pool) {
		return w.runManyDirectly(ctx, s, drafts)
	}
	rows, err := db.Query(ctx, s.many, append(recordArrays(drafts), entryArrays(drafts)...)...)
	if err != nil {
		return nil, err
	}
	done = make([]bool, len(drafts))
	var ord int64
	_, err = pgx.ForEachRow(rows, []any{&ord}, func() error {
		done[ord-1] = true
		return nil
	})
	return done, err
}

// explain finds out why some of the drafts were not done. What it looks at is
// younger than the statement: the reason may be another one by now, and is as
// good.
func (s *statements) explain(ctx context.Context, db querier, drafts []draft, done []bool, verdicts []error) {
	var places []int
	var ids, keys []string
	var versions []int64
	for i, written := range done {
		if !written {
			r := &drafts[i].record
			places, ids, versions, keys = append(places, i), append(ids, r.ID), append(versions, r.Version), append(keys, r.Key)
		}
	}
	whys, err := read(ctx, db, pgx.RowTo[int], s.why, ids, versions, keys)
	if err == nil && len(whys) != len(places) {
		err = fmt.Errorf("carrierfsm/postgres: %d reasons for %d refusals", len(whys), len(places))
	}
	for i, place := range places {
		verdicts[place] = err
		if err == nil {
			verdicts[place] = reasons[whys[i]]
		}
	}
}
