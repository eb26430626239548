package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

const readLedger = `SELECT expires, stamps FROM carrierfsm_ledgers WHERE key = ?`

// updateStamps is putLedger where expires stays the same: it does not write its index.
const updateStamps = `UPDATE carrierfsm_ledgers SET stamps = ? WHERE key = ?`

const putLedger = `INSERT INTO carrierfsm_ledgers (key, expires, stamps) VALUES (?, ?, ?)
	ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, stamps = excluded.stamps`

// spent is what a record spends, as the row of its ledger. It has no key if the record
// spends nothing.
type spent struct {
	key    string
	before ledgerRow
	after  ledgerRow
}

// ledgerRow is a row of carrierfsm_ledgers without its key; the zero value if there is none.
type ledgerRow struct {
	expires int64
	stamps  string
}

// spending returns the row of the ledger after what the record spends, or a
// *budget.ExceededError. The transaction has the write lock, so the row can't change
// until it is written.
func spending(x execer, r *carrierfsm.Record) (s spent, err error) {
	if len(r.Spends) == 0 {
		return s, nil
	}
	s.key = r.Spends[0].Key
	if s.before, err = x.ledger(s.key); err != nil {
		return s, err
	}
	before, err := s.before.ledger()
	if err != nil {
		return s, err
	}
	after, err := before.Apply(r.Spends)
	if err != nil {
		return s, err
	}
	s.after = rowOf(after)
	return s, nil
}

// put writes the row, or the part of it that changes.
func (s *spent) put(x execer) (err error) {
	switch {
	case s.after == s.before: // nothing is spent, or nothing was left to give back
	case s.after.expires == s.before.expires && s.before.expires != 0:
		_, err = x.exec(stmtUpdateStamps, s.after.stamps, s.key)
	default:
		_, err = x.exec(stmtPutLedger, s.key, s.after.expires, s.after.stamps)
	}
	return err
}

// Ledger implements carrierfsm.Store.
func (s *Store) Ledger(ctx context.Context, key string) (l budget.Ledger, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return l, err
	}
	defer done(&err)
	if !legal.ID(key) {
		return l, nil
	}
	var row ledgerRow
	switch err = s.readDB.QueryRowContext(ctx, readLedger, key).Scan(&row.expires, &row.stamps); {
	case errors.Is(err, sql.ErrNoRows):
		return l, nil
	case err != nil:
		return l, err
	}
	return row.ledger()
}

// PurgeLedgers implements carrierfsm.Store.
func (s *Store) PurgeLedgers(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.leave()
	const expired = `SELECT key FROM carrierfsm_ledgers WHERE expires < ? ORDER BY expires LIMIT ?`
	var found bool // else there is nothing to lock
	err = s.readDB.QueryRowContext(ctx, `SELECT EXISTS (`+expired+`)`, micros(legal.Ceil(before)), max(limit, 0)).Scan(&found)
	if err != nil || !found {
		return 0, s.orClosed(ctx, wrap(err))
	}
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM carrierfsm_ledgers WHERE key IN (`+expired+`)`, micros(legal.Ceil(before)), max(limit, 0))
		if err == nil {
			var rows int64
			rows, err = result.RowsAffected()
			n = int(rows)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
