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

// send writes drafts in one statement and returns a verdict for each. With an
// error of its own nobody has one. That two took one key at once is an error of
// the server's, and a verdict all the same.
func (w *writer) send(ctx context.Context, db querier, drafts []draft) ([]error, error) {
	s := w.statementsFor(drafts)
	done, err := s.run(ctx, db, drafts)
	verdicts := make([]error, len(drafts))
	switch {
	case len(drafts) == 1 && violates(err, "carrierfsm_key"):
		verdicts[0] = carrierfsm.ErrKeyInUse
	case err != nil:
		return nil, err
	case slices.Contains(done, false):
		s.explain(ctx, db, drafts, done, verdicts)
	}
	return verdicts, nil
}

func (w *writer) statementsFor(drafts []draft) *statements {
	for i := range drafts {
		if drafts[i].record.Key != "" {
			return &w.keyed
		}
	}
	return &w.free
}

// run runs the statement for these drafts, and tells which of them it wrote.
func (s *statements) run(ctx context.Context, db querier, drafts []draft) (done []bool, err error) {
	if len(drafts) > 1 {
		return s.runMany(ctx, db, drafts)
	}
	sql, args := s.bare, recordArgs(&drafts[0].record)
	switch entries := drafts[0].entries; {
	case len(entries) > 1:
		sql, args = s.several, append(args, entryArrays(drafts)...)
	case len(entries) == 1:
		sql, args = s.one, append(args, entryArgs(&entries[0])...)
	}
	tag, err := db.Exec(ctx, sql, args...)
	return []bool{tag.RowsAffected() > 0}, err
}

func (s *statements) runMany(ctx context.Context, db querier, drafts []draft) (done []bool, err error) {
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
