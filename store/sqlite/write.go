package sqlite

import (
	"context"
	"database/sql"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

const recordExists = `SELECT 1 FROM carrierfsm_verifications WHERE id = ?`

const versionStored = `SELECT 1 FROM carrierfsm_verifications WHERE id = ? AND version = ? AND commit_id = ifnull(?, commit_id)`

const insertRecord = `INSERT INTO carrierfsm_verifications
	(state, step, version, tables, source, reason, in_flight, due, updated, commit_id, key, created, id)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

const updateRecord = `UPDATE carrierfsm_verifications SET
	state = ?, step = ?, version = ?, tables = ?, source = ?, reason = ?, in_flight = ?, due = ?, updated = ?, commit_id = ?, key = ?
	WHERE id = ? AND version = ? AND commit_id = ifnull(?, commit_id)`

// updateKeptKey is updateRecord, with the same arguments, for a record that has this key
// already. SQLite writes an index again where a column of it is set, also to the same value.
const updateKeptKey = `UPDATE carrierfsm_verifications SET
	state = ?, step = ?, version = ?, tables = ?, source = ?, reason = ?, in_flight = ?, due = ?, updated = ?, commit_id = ?
	WHERE key = ? AND id = ? AND version = ? AND commit_id = ifnull(?, commit_id)`

const putBody = `INSERT INTO carrierfsm_bodies (id, body) VALUES (?, ?)
	ON CONFLICT (id) DO UPDATE SET body = excluded.body`

const updateBody = `UPDATE carrierfsm_bodies SET body = ? WHERE id = ?`

const insertEntry = `INSERT INTO carrierfsm_history (id, step, from_, event, to_, at, source, dwell, detail)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

const blankDetails = `UPDATE carrierfsm_history SET detail = NULL WHERE id = ? AND detail IS NOT NULL`

const replaceDetail = `UPDATE carrierfsm_history SET detail = ? WHERE id = ? AND step = ?`

// Create implements carrierfsm.Store.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := legal.Write(&r, entries); err != nil {
		return err
	}
	return s.queue.Do(ctx, item{write.Request{Record: r, Entries: entries}, true})
}

// Commit implements carrierfsm.Store.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := replaceable(&r, entries); err != nil {
		return err
	}
	return s.queue.Do(ctx, item{write.Request{Record: r, Entries: entries}, false})
}

// Erase implements carrierfsm.Store.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := replaceable(&r, entries); err != nil {
		return err
	}
	err := s.writeTx(ctx, func(x execer) error {
		for _, which := range []statement{stmtBlankDetails, stmtBlankFailures} {
			if _, err := x.exec(which, r.ID); err != nil {
				return err
			}
		}
		return replace(x, r, entries)
	})
	if err != nil {
		return err
	}
	// The erased values are still in the write-ahead log. A reader may prevent
	// that this empties it.
	_ = s.checkpoint(context.WithoutCancel(ctx))
	return nil
}

// Reseal does what Commit does without entries and, in the same transaction, replaces
// the details of earlier ones: see carrierfsm.Machine.Reseal.
func (s *Store) Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := replaceable(&r, details); err != nil {
		return err
	}
	return s.writeTx(ctx, func(x execer) error {
		for i := range details {
			if _, err := x.exec(stmtReplaceDetail, details[i].Detail, r.ID, int64(details[i].Step)); err != nil {
				return err
			}
		}
		return replace(x, r, nil)
	})
}

// replaceable returns why the record can't replace a stored one, as far as that is
// known without reading it.
func replaceable(r *carrierfsm.Record, entries []carrierfsm.Entry) error {
	if !legal.ID(r.ID) {
		return carrierfsm.ErrNotFound
	}
	return legal.Write(r, entries)
}

// checkpoint copies the write-ahead log into the database file and empties it, also
// while the store is being closed.
func (s *Store) checkpoint(ctx context.Context) error {
	return s.onWriteConnUnless(ctx, nil, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
		return err
	})
}

// create inserts a record with its entries.
func create(x execer, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	s, refusal := spending(x, &r)
	if refusal != nil {
		if exists, err := x.exists(stmtRecordExists, r.ID); err != nil || exists {
			refusal = firstError(err, carrierfsm.ErrExists)
		}
		return refusal
	}
	inserted, err := x.exec(stmtInsertRecord, append(recordArgs(&r), micros(r.Created), r.ID)...)
	switch {
	case err != nil:
		return keyError(err)
	case inserted == 0:
		return carrierfsm.ErrExists
	}
	if err := s.put(x); err != nil {
		return err
	}
	return putBodyAndEntries(x, r, entries)
}

// replace updates the record, if r is the next version of the stored one, and
// appends the entries.
func replace(x execer, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	s, refusal := spending(x, &r)
	if refusal != nil {
		if fits, err := x.exists(stmtVersionStored, r.ID, r.Version-1, previous(&r)); err != nil || !fits {
			refusal = firstError(err, whyNotUpdated(x, r.ID))
		}
		return refusal
	}
	updated, err := updateStored(x, &r)
	switch {
	case err != nil:
		return keyError(err)
	case updated == 0:
		return whyNotUpdated(x, r.ID)
	}
	if err := s.put(x); err != nil {
		return err
	}
	return putBodyAndEntries(x, r, entries)
}

// updateStored returns how many records it has updated: one, or none.
func updateStored(x execer, r *carrierfsm.Record) (updated int64, err error) {
	args := append(recordArgs(r), r.ID, r.Version-1, previous(r))
	if r.Key != "" {
		updated, err = x.exec(stmtUpdateKeptKey, args...)
	}
	if err == nil && updated == 0 {
		updated, err = x.exec(stmtUpdateRecord, args...)
	}
	return updated, err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func whyNotUpdated(x execer, id string) error {
	exists, err := x.exists(stmtRecordExists, id)
	switch {
	case err != nil:
		return err
	case exists:
		return carrierfsm.ErrConflict
	default:
		return carrierfsm.ErrNotFound
	}
}

func putBodyAndEntries(x execer, r carrierfsm.Record, entries []carrierfsm.Entry) error {
	if err := putRecordBody(x, r); err != nil {
		return err
	}
	for i := range entries {
		e := &entries[i]
		_, err := x.exec(stmtInsertEntry, e.ID, int64(e.Step), string(e.From), string(e.Event), string(e.To), micros(e.At),
			e.Source, e.Dwell.Microseconds(), e.Detail)
		if err != nil {
			return err
		}
	}
	return nil
}

// putRecordBody updates the body if there should be one, which costs less than
// putBody.
func putRecordBody(x execer, r carrierfsm.Record) error {
	if r.Version > 1 {
		updated, err := x.exec(stmtUpdateBody, write.Body(&r), r.ID)
		if err != nil || updated == 1 {
			return err
		}
	}
	_, err := x.exec(stmtPutBody, r.ID, write.Body(&r))
	return err
}

// keyError returns ErrKeyInUse for a unique violation: the statements handle an
// existing id themselves, so it must be the key.
func keyError(err error) error {
	if isUniqueViolation(err) {
		return carrierfsm.ErrKeyInUse
	}
	return err
}
