package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

const insertRecord = `INSERT INTO carrierfsm_verifications
	(state, step, version, tables, source, reason, in_flight, due, updated, key, commit_id, created, id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const updateRecord = `UPDATE carrierfsm_verifications SET
	state = ?, step = ?, version = ?, tables = ?, source = ?, reason = ?, in_flight = ?, due = ?, updated = ?, key = ?, commit_id = ?
	WHERE id = ? AND version = ?`

const putBody = `INSERT INTO carrierfsm_bodies (id, body) VALUES (?, ?)
	ON CONFLICT (id) DO UPDATE SET body = excluded.body`

const insertEntry = `INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, detail)
	VALUES (?, ?, ?, ?, ?, ?, ?)`

// Create is carrierfsm.Store's.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return inTransaction(ctx, s.write, func(tx *sql.Conn) error {
		if exists, err := has(ctx, tx, `SELECT 1 FROM carrierfsm_verifications WHERE id = ?`, r.ID); err != nil || exists {
			return orExists(err)
		}
		args := append(columns(r), micros(r.Created), r.ID)
		if _, err := tx.ExecContext(ctx, insertRecord, args...); err != nil {
			return keyError(err)
		}
		return putRest(ctx, tx, r, entries)
	})
}

// Commit is carrierfsm.Store's.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return inTransaction(ctx, s.write, func(tx *sql.Conn) error {
		return commitRecord(ctx, tx, r, entries)
	})
}

// Erase is carrierfsm.Store's.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := inTransaction(ctx, s.write, func(tx *sql.Conn) error {
		const blank = `UPDATE carrierfsm_history SET detail = NULL WHERE id = ?`
		if _, err := tx.ExecContext(ctx, blank, r.ID); err != nil {
			return err
		}
		return commitRecord(ctx, tx, r, entries)
	})
	if err != nil {
		return err
	}
	// The erased values are still in the log; a reader may keep this from emptying it.
	_, _ = s.write.ExecContext(context.WithoutCancel(ctx), `PRAGMA wal_checkpoint(TRUNCATE)`)
	return nil
}

func commitRecord(ctx context.Context, tx *sql.Conn, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	args := append(columns(r), r.ID, r.Version-1)
	result, err := tx.ExecContext(ctx, updateRecord, args...)
	if err != nil {
		return keyError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return missing(ctx, tx, r.ID, err)
	}
	return putRest(ctx, tx, r, entries)
}

// missing tells why no row was updated.
func missing(ctx context.Context, tx *sql.Conn, id string, err error) error {
	if err != nil {
		return err
	}
	exists, err := has(ctx, tx, `SELECT 1 FROM carrierfsm_verifications WHERE id = ?`, id)
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
func putRest(ctx context.Context, tx *sql.Conn, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if _, err := tx.ExecContext(ctx, putBody, r.ID, notNil(r.Body)); err != nil {
		return err
	}
	for _, e := range entries {
		_, err := tx.ExecContext(ctx, insertEntry,
			e.ID, e.Step, string(e.From), string(e.Event), string(e.To), micros(e.At), e.Detail)
		if err != nil {
			return err
		}
	}
	return nil
}

// Purge is carrierfsm.Store's.
func (s *Store) Purge(ctx context.Context, before time.Time, limit int) (n int, err error) {
	const ended = `SELECT id FROM carrierfsm_verifications
		WHERE state IN ('done', 'failed') AND updated < ? ORDER BY updated LIMIT ?`
	err = inTransaction(ctx, s.write, func(tx *sql.Conn) error {
		ids, err := collect(ctx, tx, func(rows *sql.Rows) (id string, err error) {
			return id, rows.Scan(&id)
		}, ended, micros(before), limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			for _, table := range []string{"carrierfsm_history", "carrierfsm_bodies", "carrierfsm_verifications"} {
				if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE id = ?", id); err != nil {
					return err
				}
			}
		}
		n = len(ids)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func has(ctx context.Context, tx *sql.Conn, query string, args ...any) (bool, error) {
	rows, err := collect(ctx, tx, func(*sql.Rows) (struct{}, error) { return struct{}{}, nil }, query, args...)
	return len(rows) > 0, err
}

func orExists(err error) error {
	if err != nil {
		return err
	}
	return carrierfsm.ErrExists
}

// keyError: the id was looked for before, so a violated constraint is the key's.
func keyError(err error) error {
	if violates(err) {
		return carrierfsm.ErrKeyInUse
	}
	return err
}
