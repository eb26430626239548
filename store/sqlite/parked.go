package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

const parkedColumns = `handler, id, step, upto, attempts, why, since, next, version`

// putParked replaces a row by its next version, and merges it with any other.
const putParked = `INSERT INTO carrierfsm_parked (` + parkedColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT (handler, id) DO UPDATE SET
		step     = CASE WHEN version = excluded.version - 1 THEN excluded.step     ELSE min(step, excluded.step) END,
		upto     = CASE WHEN version = excluded.version - 1 THEN excluded.upto     ELSE max(upto, excluded.upto) END,
		attempts = CASE WHEN version = excluded.version - 1 THEN excluded.attempts ELSE min(attempts, excluded.attempts) END,
		why      = CASE WHEN version = excluded.version - 1 THEN excluded.why      ELSE why END,
		since    = CASE WHEN version = excluded.version - 1 THEN excluded.since    ELSE since END,
		next     = CASE WHEN version = excluded.version - 1 THEN excluded.next     ELSE min(next, excluded.next) END,
		version  = version + 1`

// pendingParked are the rows of verifications that have an entry in a stretch of the history.
const pendingParked = `SELECT ` + parkedColumns + ` FROM carrierfsm_parked WHERE handler = ?
	AND id IN (SELECT id FROM carrierfsm_history WHERE position BETWEEN ? AND ?)`

// Park is carrierfsm.Outbox's.
func (s *Store) Park(ctx context.Context, rows []carrierfsm.Parked) error {
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return park(ctx, tx, rows)
	})
}

func park(ctx context.Context, tx *sql.Tx, rows []carrierfsm.Parked) error {
	for _, p := range rows {
		_, err := tx.ExecContext(ctx, putParked,
			p.Handler, p.ID, p.Step, p.Upto, p.Attempts, p.Why, micros(p.Since), micros(p.Next), p.Version)
		if err != nil {
			return err
		}
		const nothingLeft = `DELETE FROM carrierfsm_parked WHERE handler = ? AND id = ? AND step > upto`
		if _, err := tx.ExecContext(ctx, nothingLeft, p.Handler, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// Parked is carrierfsm.Outbox's.
func (s *Store) Parked(ctx context.Context, q carrierfsm.ParkedQuery) ([]carrierfsm.Parked, error) {
	terms, args := []string{`1`}, []any(nil)
	add := func(term string, values ...any) {
		terms = append(terms, term)
		args = append(args, values...)
	}
	if q.Handler != "" {
		add(`handler = ?`, q.Handler)
	}
	if q.ID != "" {
		add(`id = ?`, q.ID)
	}
	if !q.NextBy.IsZero() {
		add(`next <= ?`, micros(q.NextBy))
	}
	if q.After != (carrierfsm.ParkedMark{}) {
		add(`(next, handler, id) > (?, ?, ?)`, micros(q.After.Next), q.After.Handler, q.After.ID)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 100
	}
	rows, err := s.read.QueryContext(ctx, `SELECT `+parkedColumns+` FROM carrierfsm_parked
		WHERE `+strings.Join(terms, ` AND `)+` ORDER BY next, handler, id LIMIT ?`, append(args, limit)...)
	return collect(rows, err, scanParked)
}

func scanParked(rows *sql.Rows) (p carrierfsm.Parked, err error) {
	var since, next int64
	err = rows.Scan(&p.Handler, &p.ID, &p.Step, &p.Upto, &p.Attempts, &p.Why, &since, &next, &p.Version)
	p.Since, p.Next = moment(since), moment(next)
	return p, err
}
