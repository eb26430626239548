package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

var _ acts.Log = (*Store)(nil)

const actColumns = `id, at, ended, operator, kind, verification, handler, step, count, reason, outcome`

const insertAct = `INSERT INTO carrierfsm_acts (` + actColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

const endAct = `UPDATE carrierfsm_acts SET outcome = ?, count = ?, ended = ? WHERE id = ? AND outcome = ''`

// LogAct implements acts.Log.
func (s *Store) LogAct(ctx context.Context, a acts.Act) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := legal.Act(&a); err != nil {
		return err
	}
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		at, ended := micros(time.Now()), int64(0)
		if a.Outcome != "" {
			ended = at
		}
		n, err := affected(tx.ExecContext(ctx, insertAct,
			a.ID, at, ended, a.Operator, string(a.Kind), a.Verification, a.Handler, a.Step, a.Count, a.Reason, string(a.Outcome)))
		if err == nil && n == 0 {
			err = carrierfsm.ErrExists
		}
		return err
	})
}

// EndAct implements acts.Log.
func (s *Store) EndAct(ctx context.Context, id string, outcome acts.Outcome, count int) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := legal.Outcome(outcome, count); err != nil {
		return err
	}
	if !legal.ID(id) {
		return carrierfsm.ErrNotFound
	}
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, endAct, string(outcome), count, micros(time.Now()), id))
		if err != nil || n > 0 {
			return err
		}
		var exists bool
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM carrierfsm_acts WHERE id = ?)`, id).Scan(&exists)
		switch {
		case err != nil:
			return err
		case exists:
			return carrierfsm.ErrConflict
		default:
			return carrierfsm.ErrNotFound
		}
	})
}

// Acts implements acts.Log.
func (s *Store) Acts(ctx context.Context, q acts.Query) (list []acts.Act, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	query, args := actsQuery(q)
	rows, err := s.readDB.QueryContext(ctx, query, args...)
	return collect(rows, err, scanAct)
}

func actsQuery(q acts.Query) (query string, args []any) {
	kinds := make([]any, len(q.Kinds))
	for i, k := range q.Kinds {
		kinds[i] = string(k)
	}
	var c conditions
	c.add(q.Operator != "", `operator = ?`, q.Operator)
	c.add(q.Verification != "", `verification <> '' AND verification = ?`, q.Verification) // the index has no empty ones
	c.add(q.Handler != "", `handler = ?`, q.Handler)
	c.add(len(kinds) > 0, `kind IN (?`+strings.Repeat(`, ?`, max(0, len(kinds)-1))+`)`, kinds...)
	c.add(q.Open, `outcome = ''`)
	c.add(!q.Since.IsZero(), `at >= ?`, micros(legal.Ceil(q.Since)))
	c.add(!q.Before.IsZero(), `at < ?`, micros(legal.Ceil(q.Before)))
	c.add(q.After != (carrierfsm.PageKey{}), `(at, id) < (?, ?)`, micros(legal.Floor(q.After.Time)), legal.KeyID(q.After.ID))
	return `SELECT ` + actColumns + ` FROM carrierfsm_acts` + c.where() + ` ORDER BY at DESC, id DESC LIMIT ?`,
		append(c.args, cmp.Or(max(q.Limit, 0), defaultLimit))
}

func scanAct(rows *sql.Rows) (a acts.Act, err error) {
	var at, ended int64
	err = rows.Scan(&a.ID, &at, &ended, &a.Operator, &a.Kind, &a.Verification, &a.Handler, &a.Step, &a.Count, &a.Reason, &a.Outcome)
	a.At, a.Ended = timeOf(at), timeOf(ended)
	return a, err
}

// PurgeActs implements acts.Log.
func (s *Store) PurgeActs(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	const old = `SELECT id FROM carrierfsm_acts WHERE at < ? ORDER BY at, id LIMIT ?`
	var found bool // else there is nothing to lock
	err = s.readDB.QueryRowContext(ctx, `SELECT EXISTS (`+old+`)`, micros(legal.Ceil(before)), max(limit, 0)).Scan(&found)
	if err != nil || !found {
		return 0, s.orClosed(ctx, wrap(err))
	}
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		n, err = affected(tx.ExecContext(ctx, `DELETE FROM carrierfsm_acts WHERE id IN (`+old+`)`, micros(legal.Ceil(before)), max(limit, 0)))
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// affected returns how many rows a statement wrote.
func affected(result sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}
