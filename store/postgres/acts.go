package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

var _ acts.Log = (*Store)(nil)

const actColumns = `id, at, ended, operator, kind, verification, handler, step, count, reason, outcome`

// insertAct notes the server's time, not that of a transaction's beginning.
const insertAct = `INSERT INTO carrierfsm_acts (` + actColumns + `)
	SELECT $1::text, now, CASE WHEN $9::text <> '' THEN now END, $2::text, $3::text, $4::text, $5::text, $6::integer, $7::integer, $8::text, $9::text
	FROM clock_timestamp() AS now ON CONFLICT (id) DO NOTHING`

const endAct = `UPDATE carrierfsm_acts SET outcome = $2::text, count = $3::integer, ended = clock_timestamp() WHERE id = $1::text AND outcome = ''`

// LogAct implements acts.Log.
func (s *Store) LogAct(ctx context.Context, a acts.Act) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := legal.Act(&a); err != nil {
		return err
	}
	n, err := s.execInEpoch(ctx, insertAct, a.ID, a.Operator, string(a.Kind), a.Verification, a.Handler, int32(a.Step), int32(a.Count), a.Reason, string(a.Outcome))
	if err == nil && n == 0 {
		return carrierfsm.ErrExists
	}
	return wrap(err)
}

// EndAct implements acts.Log.
func (s *Store) EndAct(ctx context.Context, id string, outcome acts.Outcome, count int) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := legal.Outcome(outcome, count); err != nil {
		return err
	}
	if !legal.ID(id) {
		return carrierfsm.ErrNotFound
	}
	n, err := s.execInEpoch(ctx, endAct, id, string(outcome), int32(count))
	if err != nil || n > 0 {
		return wrap(err)
	}
	found, err := read(ctx, s, pgx.RowTo[string], `SELECT id FROM carrierfsm_acts WHERE id = $1::text`, id)
	switch {
	case err != nil:
		return err
	case len(found) > 0:
		return carrierfsm.ErrConflict
	default:
		return carrierfsm.ErrNotFound
	}
}

// Acts implements acts.Log.
func (s *Store) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	sql, args := actsQuery(q)
	return read(ctx, s, scanAct, sql, args...)
}

func actsQuery(q acts.Query) (sql string, args []any) {
	c := new(conditions)
	c.words(q.Operator, q.Verification, q.Handler)
	equals := func(column, value string) {
		c.add(legal.Word(value) && value != "", func() string { return column + ` = ` + c.arg(value) + `::text` })
	}
	equals(`operator`, q.Operator)
	c.add(q.Verification != "", func() string { return `verification <> ''` }) // the index has no empty ones
	equals(`verification`, q.Verification)
	equals(`handler`, q.Handler)
	var kinds []string
	for _, k := range q.Kinds {
		if legal.Word(string(k)) {
			kinds = append(kinds, string(k))
		}
	}
	c.add(len(q.Kinds) > 0, func() string { return `kind = ANY (` + c.arg(kinds) + `::text[])` })
	c.add(q.Open, func() string { return `outcome = ''` })
	c.add(!q.Since.IsZero(), func() string { return `at >= ` + c.arg(legal.Ceil(q.Since)) + `::timestamptz` })
	c.add(!q.Before.IsZero(), func() string { return `at < ` + c.arg(legal.Ceil(q.Before)) + `::timestamptz` })
	c.add(q.After != (carrierfsm.PageKey{}), func() string {
		return `(at, id) < (` + c.arg(legal.Floor(q.After.Time)) + `::timestamptz, ` + c.arg(legal.KeyID(q.After.ID)) + `::text)`
	})
	sql = `SELECT ` + actColumns + ` FROM carrierfsm_acts` + c.where() + ` ORDER BY at DESC, id DESC LIMIT ` + c.limit(q.Limit)
	return sql, c.args
}

func scanAct(row pgx.CollectableRow) (a acts.Act, err error) {
	var ended *time.Time
	err = row.Scan(&a.ID, &a.At, &ended, &a.Operator, &a.Kind, &a.Verification, &a.Handler, &a.Step, &a.Count, &a.Reason, &a.Outcome)
	a.At, a.Ended = a.At.UTC(), orZero(ended)
	return a, err
}

const deleteActs = `DELETE FROM carrierfsm_acts WHERE id IN (
	SELECT id FROM carrierfsm_acts WHERE at < $1::timestamptz ORDER BY at, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED)`

// PurgeActs implements acts.Log.
func (s *Store) PurgeActs(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	n, err := s.execInEpoch(ctx, deleteActs, legal.Ceil(before), int64(max(limit, 0)))
	return int(n), wrap(err)
}
