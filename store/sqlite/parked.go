package sqlite

import (
	"cmp"
	"context"
	"database/sql"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

const parkedColumns = `handler, id, step, upto, attempts, why, since, next, version, error`

// putParked replaces a row with its next version and merges any other version
// with it, as Outbox.Advance says.
const putParked = `INSERT INTO carrierfsm_parked (` + parkedColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (handler, id) DO UPDATE SET
		step     = CASE WHEN version = excluded.version - 1 THEN excluded.step     ELSE min(step, excluded.step) END,
		upto     = CASE WHEN version = excluded.version - 1 THEN excluded.upto     ELSE max(upto, excluded.upto) END,
		attempts = CASE WHEN version = excluded.version - 1 THEN excluded.attempts ELSE min(attempts, excluded.attempts) END,
		why      = CASE WHEN version = excluded.version - 1 THEN excluded.why      ELSE why END,
		since    = CASE WHEN version = excluded.version - 1 THEN excluded.since    ELSE since END,
		error    = CASE WHEN version = excluded.version - 1 THEN excluded.error    ELSE error END,
		next     = CASE WHEN version = excluded.version - 1 THEN excluded.next     ELSE min(next, excluded.next) END,
		version  = version + 1`

// deleteParked deletes a row that leaves no step to deliver.
const deleteParked = `DELETE FROM carrierfsm_parked WHERE handler = ? AND id = ? AND step > upto`

// blankFailures deletes what handlers failed with at a verification.
const blankFailures = `UPDATE carrierfsm_parked SET error = NULL WHERE id = ? AND error IS NOT NULL`

// pendingParked returns the rows of the verifications that have an entry in a
// range of positions.
const pendingParked = `SELECT ` + parkedColumns + ` FROM carrierfsm_parked WHERE handler = ?
	AND id IN (SELECT id FROM carrierfsm_history WHERE position BETWEEN ? AND ?)`

// Park implements outbox.Outbox.
func (s *Store) Park(ctx context.Context, rows []outbox.Parked) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := legal.Parked(rows); err != nil {
		return err
	}
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return park(ctx, tx, rows)
	})
}

func park(ctx context.Context, tx *sql.Tx, rows []outbox.Parked) error {
	for _, p := range rows {
		_, err := tx.ExecContext(ctx, putParked,
			p.Handler, p.ID, p.Step, p.Upto, p.Attempts, p.Why, micros(p.Since), micros(p.Next), p.Version, p.Failure)
		if err != nil {
			return err
		}
		if p.Step <= p.Upto {
			continue // neither it nor a merged row leaves no step
		}
		if _, err := tx.ExecContext(ctx, deleteParked, p.Handler, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// Parked implements outbox.Outbox.
func (s *Store) Parked(ctx context.Context, q outbox.ParkedQuery) (list []outbox.Parked, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	var c conditions
	c.add(q.Handler != "", `handler = ?`, q.Handler)
	c.add(q.ID != "", `id = ?`, q.ID)
	in(&c, `id`, q.IDs)
	c.add(!q.NextBy.IsZero(), `next <= ?`, micros(legal.Floor(q.NextBy)))
	c.add(q.After != (outbox.ParkedKey{}), `(next, handler, id) > (?, ?, ?)`, micros(legal.Floor(q.After.Next)), legal.KeyID(q.After.Handler), legal.KeyID(q.After.ID))
	rows, err := s.readDB.QueryContext(ctx, `SELECT `+parkedColumns+` FROM carrierfsm_parked`+c.where()+` ORDER BY next, handler, id LIMIT ?`,
		append(c.args, cmp.Or(max(q.Limit, 0), defaultLimit))...)
	return collect(rows, err, scanParked)
}

func scanParked(rows *sql.Rows) (p outbox.Parked, err error) {
	var since, next int64
	err = rows.Scan(&p.Handler, &p.ID, &p.Step, &p.Upto, &p.Attempts, &p.Why, &since, &next, &p.Version, &p.Failure)
	p.Since, p.Next = timeOf(since), timeOf(next)
	return p, err
}
