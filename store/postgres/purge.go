package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// ended are the verifications that ended before a time.
const ended = `v.state IN ('done', 'failed') AND v.updated < $1::timestamptz`

// needed are the verifications that a handler needs: they are parked, or have an
// entry that some cursor has not passed or may still find in a gap.
const needed = `(EXISTS (SELECT FROM carrierfsm_parked p WHERE p.id = v.id)
	OR EXISTS (SELECT FROM carrierfsm_history h, carrierfsm_cursors c WHERE h.id = v.id AND (h.position > c.position
		OR EXISTS (SELECT FROM unnest(c.lows, c.highs) AS gap (low, high) WHERE h.position BETWEEN gap.low AND gap.high))))`

// lockEnded locks verifications that have ended and skips those that another
// transaction has locked. They are locked in a statement of their own, so that the
// snapshot of deleteEnded has all their rows.
const (
	lockEnded     = `SELECT v.id FROM carrierfsm_verifications v WHERE ` + ended + lockOldest
	lockDelivered = `SELECT v.id FROM carrierfsm_verifications v WHERE ` + ended + ` AND NOT ` + needed + lockOldest
	lockOldest    = ` ORDER BY v.updated LIMIT $2::bigint FOR UPDATE OF v SKIP LOCKED`
)

const countKept = `SELECT count(*) FROM (SELECT FROM carrierfsm_verifications v WHERE ` + ended + ` AND ` + needed + ` LIMIT $2::bigint) AS kept`

const deleteEnded = `WITH parked AS (DELETE FROM carrierfsm_parked WHERE id = ANY ($1::text[])),
	history AS (DELETE FROM carrierfsm_history WHERE id = ANY ($1::text[]))
	DELETE FROM carrierfsm_verifications WHERE id = ANY ($1::text[])`

// Purge implements carrierfsm.Store. It deletes the verifications that ended
// first.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (int, error) {
		return purge(ctx, tx, lockEnded, before, limit)
	})
	return n, wrap(err)
}

// PurgeDelivered is Purge without what a handler needs: see outbox.Outbox.
func (s *Store) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	result, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (counts [2]int, err error) {
		counts[0], err = purge(ctx, tx, lockDelivered, before, limit)
		if err == nil && counts[0] < limit {
			err = tx.QueryRow(ctx, countKept, legal.Ceil(before), int64(limit)).Scan(&counts[1])
		}
		return counts, err
	})
	return result[0], result[1], wrap(err)
}

// purge deletes the verifications that the statement lock locks.
func purge(ctx context.Context, tx pgx.Tx, lock string, before time.Time, limit int) (int, error) {
	ids, err := collect(ctx, tx, pgx.RowTo[string], lock, legal.Ceil(before), int64(max(limit, 0)))
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	tag, err := tx.Exec(ctx, deleteEnded, ids)
	return int(tag.RowsAffected()), err
}

// Retire deletes a cursor and its parked rows: see outbox.Outbox.
func (s *Store) Retire(ctx context.Context, name string) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if !legal.ID(name) {
		return nil // no cursor has this name
	}
	_, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (_ struct{}, err error) {
		var held bool
		err = tx.QueryRow(ctx, `SELECT owner <> '' AND until > now() FROM carrierfsm_cursors WHERE name = $1::text FOR UPDATE`, name).Scan(&held)
		switch {
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return struct{}{}, err
		case held:
			return struct{}{}, outbox.ErrLeaseHeld
		}
		_, err = tx.Exec(ctx, `WITH rows AS (DELETE FROM carrierfsm_parked WHERE handler = $1::text),
			counts AS (DELETE FROM carrierfsm_figures WHERE handler = $1::text)
			DELETE FROM carrierfsm_cursors WHERE name = $1::text`, name)
		return struct{}{}, err
	})
	if errors.Is(err, outbox.ErrLeaseHeld) {
		return outbox.ErrLeaseHeld
	}
	return s.outboxWrote(err)
}

// Now returns the time of the server: see carrierfsm.Store.
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	conn, err := s.acquire(ctx)
	if err != nil {
		return time.Time{}, wrap(err)
	}
	defer conn.Release()
	err = conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now.UTC(), wrap(err)
}
