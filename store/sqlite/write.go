package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

const recordExists = `SELECT 1 FROM carrierfsm_verifications WHERE id = ?`

const insertRecord = `INSERT INTO carrierfsm_verifications
	(state, step, version, tables, source, reason, in_flight, due, updated, key, commit_id, created, id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

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
	return s.queue.Do(ctx, item{r, entries, true})
}

// Commit is carrierfsm.Store's.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.queue.Do(ctx, item{r, entries, false})
}

// Erase is carrierfsm.Store's.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := s.writing(ctx, func(w writer) error {
		if _, err := w.exec(blank, r.ID); err != nil {
			return err
		}
		return replace(w, r, entries)
	})
	if err != nil {
		return err
	}
	// The erased values are still in the log; a reader may keep this from emptying it.
	_ = s.checkpoint(context.WithoutCancel(ctx))
	return nil
}

// checkpoint brings the write-ahead log into the file, and empties it.
func (s *Store) checkpoint(ctx context.Context) error {
	return s.asWriter(ctx, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		return err
	})
}

// create inserts a new record with its entries.
func create(w writer, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	created, err := w.exec(insert, append(columns(r), micros(r.Created), r.ID)...)
	switch {
	case err != nil:
		return keyError(err)
	case created == 0:
		return carrierfsm.ErrExists
	}
	return putRest(w, r, entries)
}

// replace replaces the record, if it is the next version of the stored one,
// and appends the entries.
func replace(w writer, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	replaced, err := w.exec(update, append(columns(r), r.ID, r.Version-1)...)
	switch {
	case err != nil:
		return keyError(err)
	case replaced == 0:
		return missing(w, r.ID)
	}
	return putRest(w, r, entries)
}

// missing tells why no row was updated.
func missing(w writer, id string) error {
	exists, err := w.has(id)
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
func putRest(w writer, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if err := putBodyOf(w, r); err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		_, err := w.exec(entry, e.ID, int64(e.Step), string(e.From), string(e.Event), string(e.To), micros(e.At), e.Detail)
		if err != nil {
			return err
		}
	}
	return nil
}

// putBodyOf writes the body: in the place of the one before, if there is one.
func putBodyOf(w writer, r carrierfsm.Record) error {
	if r.Version > 1 {
		replaced, err := w.exec(rebody, notNil(r.Body), r.ID)
		if err != nil || replaced == 1 {
			return err
		}
	}
	_, err := w.exec(body, r.ID, notNil(r.Body))
	return err
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

// keyError: an id that is taken raises no error, so a violated constraint is the
// key's.
func keyError(err error) error {
	if violates(err) {
		return carrierfsm.ErrKeyInUse
	}
	return err
}
