package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// lockEnded locks verifications that have ended and skips those that another
// transaction has locked. They are locked in a statement of their own, so that the
// snapshot of deleteEnded has all their rows.
const lockEnded = `SELECT id FROM carrierfsm_verifications WHERE state IN ('done', 'failed') AND updated < $1::timestamptz
	ORDER BY updated LIMIT $2::bigint FOR UPDATE SKIP LOCKED`

const deleteEnded = `WITH parked AS (DELETE FROM carrierfsm_parked WHERE id = ANY ($1::text[])),
	history AS (DELETE FROM carrierfsm_history WHERE id = ANY ($1::text[]))
	DELETE FROM carrierfsm_verifications WHERE id = ANY ($1::text[])`

// Purge implements carrierfsm.Store. It deletes the verifications that ended
// first.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (int, error) {
		ids, err := collect(ctx, tx, pgx.RowTo[string], lockEnded, legal.Ceil(before), int64(max(limit, 0)))
		if err != nil || len(ids) == 0 {
			return 0, err
		}
		tag, err := tx.Exec(ctx, deleteEnded, ids)
		return int(tag.RowsAffected()), err
	})
	return n, wrap(err)
}
