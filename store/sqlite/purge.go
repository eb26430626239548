package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// ended are the verifications that ended before a time.
const ended = `state IN ('done', 'failed') AND updated < ?`

// needed are the verifications that a handler needs: they are parked, or have an
// entry that some cursor has not passed.
const needed = `(EXISTS (SELECT 1 FROM carrierfsm_parked p WHERE p.id = carrierfsm_verifications.id)
	OR EXISTS (SELECT 1 FROM carrierfsm_history h WHERE h.id = carrierfsm_verifications.id
		AND h.position > (SELECT min(position) FROM carrierfsm_cursors)))`

// Purge implements carrierfsm.Store. It deletes the verifications that ended
// first.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		n, err = purge(ctx, tx, ended, before, limit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// PurgeDelivered is Purge without what a handler needs: see outbox.Outbox.
func (s *Store) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, 0, err
	}
	defer s.leave()
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		deleted, err = purge(ctx, tx, ended+` AND NOT `+needed, before, limit)
		if err != nil || deleted >= limit {
			return err
		}
		const count = `SELECT count(*) FROM (SELECT 1 FROM carrierfsm_verifications WHERE ` + ended + ` AND ` + needed + ` LIMIT ?)`
		return tx.QueryRowContext(ctx, count, micros(legal.Ceil(before)), max(limit, 0)).Scan(&kept)
	})
	if err != nil {
		return 0, 0, err
	}
	return deleted, kept, nil
}

// purge deletes the verifications of a condition, oldest first.
func purge(ctx context.Context, tx *sql.Tx, condition string, before time.Time, limit int) (n int, err error) {
	chosen := ` IN (SELECT id FROM carrierfsm_verifications WHERE ` + condition + ` ORDER BY updated, id LIMIT ?)`
	// The verifications are deleted last, because the subquery reads them. It reads
	// the other tables too, but what is deleted there changes no choice.
	for _, table := range []string{"carrierfsm_parked", "carrierfsm_history", "carrierfsm_bodies", "carrierfsm_verifications"} {
		result, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE id`+chosen, micros(legal.Ceil(before)), max(limit, 0))
		if err != nil {
			return 0, err
		}
		deleted, err := result.RowsAffected()
		if err != nil {
			return 0, err
		}
		n = int(deleted)
	}
	return n, nil
}

// Retire deletes a cursor and its parked rows: see outbox.Outbox.
func (s *Store) Retire(ctx context.Context, name string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		c, err := readCursor(ctx, tx, name)
		if err == nil && c.Held(time.Now()) {
			return outbox.ErrLeaseHeld
		}
		for _, sql := range []string{`DELETE FROM carrierfsm_cursors WHERE name = ?`, `DELETE FROM carrierfsm_parked WHERE handler = ?`, forgetAllCounts} {
			if _, err := tx.ExecContext(ctx, sql, name); err != nil {
				return err
			}
		}
		return nil
	})
}
