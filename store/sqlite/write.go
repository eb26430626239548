package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

const recordExists = `SELECT 1 FROM carrierfsm_verifications WHERE id = ?`

const insertRecord = `INSERT INTO carrierfsm_verifications
	(state, step, version, tables, source, reason, in_flight, due, updated, key, commit_id, created, id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const updateRecord = `UPDATE carrierfsm_verifications SET
	state = ?, step = ?, version = ?, tables = ?, source = ?, reason = ?, in_flight = ?, due = ?, updated = ?, key = ?, commit_id = ?
	WHERE id = ? AND version = ?`

const putBody = `INSERT INTO carrierfsm_bodies (id, body) VALUES (?, ?)
	ON CONFLICT (id) DO UPDATE SET body = excluded.body`

const replaceBody = `UPDATE carrierfsm_bodies SET body = ? WHERE id = ?`

const insertEntry = `INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	VALUES (?, ?, ?, ?, ?, ?, ?)`

const blankDetails = `UPDATE carrierfsm_history SET detail = NULL WHERE id = ? AND detail IS NOT NULL`

// Create is carrierfsm.Store's.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.queue.Do(ctx, newItem(r, entries, true))
}

// Commit is carrierfsm.Store's.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.queue.Do(ctx, newItem(r, entries, false))
}

// Erase is carrierfsm.Store's.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := within(ctx, tx, s.prepared.blanked).ExecContext(ctx, r.ID); err != nil {
			return err
		}
		return s.replace(ctx, tx, r, entries)
	})
	if err != nil {
		return err
	}
	// The erased values are still in the log; a reader may keep this from emptying it.
	_, _ = s.write.ExecContext(context.WithoutCancel(ctx), `PRAGMA wal_checkpoint(TRUNCATE)`)
	return nil
}

// create inserts a new record with its entries.
func (s *Store) create(ctx context.Context, tx *sql.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if exists, err := s.has(ctx, tx, r.ID); err != nil {
		return err
	} else if exists {
		return carrierfsm.ErrExists
	}
	args := append(columns(r), micros(r.Created), r.ID)
	if _, err := within(ctx, tx, s.prepared.insert).ExecContext(ctx, args...); err != nil {
		return keyError(err)
	}
	return s.putRest(ctx, tx, r, entries)
}

// replace replaces the record, if it is the next version of the stored one,
// and appends the entries.
func (s *Store) replace(ctx context.Context, tx *sql.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	args := append(columns(r), r.ID, r.Version-1)
	result, err := within(ctx, tx, s.prepared.update).ExecContext(ctx, args...)
	if err != nil {
		return keyError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return s.missing(ctx, tx, r.ID, err)
	}
	return s.putRest(ctx, tx, r, entries)
}

// missing tells why no row was updated.
func (s *Store) missing(ctx context.Context, tx *sql.Tx, id string, err error) error {
	if err != nil {
		return err
	}
	exists, err := s.has(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case exists:
		return carrierfsm.ErrConflict
	default:
		return carrierfsm.ErrNotFound
	}
}

// putRest writes the body and appends the entries.
func (s *Store) putRest(ctx context.Context, tx *sql.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if err := s.putBody(ctx, tx, r); err != nil {
		return err
	}
	for _, e := range entries {
		_, err := within(ctx, tx, s.prepared.entry).ExecContext(ctx,
			e.ID, e.Step, string(e.From), string(e.Event), string(e.To), micros(e.At), e.Detail)
		if err != nil {
			return err
		}
	}
	return nil
}

// putBody writes the body: in the place of the one before, if there is one.
func (s *Store) putBody(ctx context.Context, tx *sql.Tx, r carrierfsm.Record) error {
	if r.Version > 1 {
		result, err := within(ctx, tx, s.prepared.rebody).ExecContext(ctx, notNil(r.Body), r.ID)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 1 {
			return err
		}
	}
	_, err := within(ctx, tx, s.prepared.body).ExecContext(ctx, r.ID, notNil(r.Body))
	return err
}

func (s *Store) has(ctx context.Context, tx *sql.Tx, id string) (bool, error) {
	var one int
	err := within(ctx, tx, s.prepared.exists).QueryRowContext(ctx, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Purge is carrierfsm.Store's. What ended first goes first.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	const ended = ` IN (SELECT id FROM carrierfsm_verifications
		WHERE state IN ('done', 'failed') AND updated < ? ORDER BY updated, id LIMIT ?)`
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		// The records go last: they tell which ones it is.
		for _, table := range []string{"carrierfsm_parked", "carrierfsm_history", "carrierfsm_bodies", "carrierfsm_verifications"} {
			result, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE id`+ended, micros(before), max(limit, 0))
			if err != nil {
				return err
			}
			deleted, err := result.RowsAffected()
			if err != nil {
				return err
			}
			n = int(deleted)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// keyError: the id was looked at before, so a violated constraint is the key's.
func keyError(err error) error {
	if violates(err) {
		return carrierfsm.ErrKeyInUse
	}
	return err
}
