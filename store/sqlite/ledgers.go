package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

const readLedger = `SELECT expires, stamps FROM carrierfsm_ledgers WHERE key = ?`

const putLedger = `INSERT INTO carrierfsm_ledgers (key, expires, stamps) VALUES (?, ?, ?)
	ON CONFLICT (key) DO UPDATE SET expires = excluded.expires, stamps = excluded.stamps`

// spent is what a record spends, as the row of its ledger. It has no key if the record
// spends nothing.
type spent struct {
	key     string
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
	expires, stamps, err := x.ledger(s.key)
	if err != nil {
		return s, err
	}
	before, err := ledgerOf(expires, stamps)
	if err != nil {
		return s, err
	}
	after, err := before.Apply(r.Spends)
	if err != nil {
		return s, err
	}
	s.expires = micros(after.Expires)
	s.stamps, err = stampsOf(after)
	return s, err
}

// put writes the row.
func (s spent) put(x execer) error {
	if s.key == "" {
		return nil
	}
	_, err := x.exec(stmtPutLedger, s.key, s.expires, s.stamps)
	return err
}

func ledgerOf(expires int64, stamps string) (l budget.Ledger, err error) {
	l.Expires = timeOf(expires)
	if stamps == "" {
		return l, nil
	}
	var times map[budget.Kind][]int64
	if err := json.Unmarshal([]byte(stamps), &times); err != nil {
		return l, errors.New("carrierfsm/sqlite: a ledger can't be read")
	}
	for kind, list := range times {
		for _, at := range list {
			l.Stamps = append(l.Stamps, budget.Stamp{Kind: kind, At: timeOf(at)})
		}
	}
	l.Sort()
	return l, nil
}

func stampsOf(l budget.Ledger) (string, error) {
	times := make(map[budget.Kind][]int64)
	for _, s := range l.Stamps {
		times[s.Kind] = append(times[s.Kind], micros(s.At))
	}
	text, err := json.Marshal(times)
	return string(text), err
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
	var expires int64
	var stamps string
	switch err = s.readDB.QueryRowContext(ctx, readLedger, key).Scan(&expires, &stamps); {
	case errors.Is(err, sql.ErrNoRows):
		return l, nil
	case err != nil:
		return l, err
	}
	return ledgerOf(expires, stamps)
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
