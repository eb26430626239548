package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

// execer runs the prepared statements of a write in its transaction. It is a
// fastWriter in a store made by Open and a plainWriter in one made by New.
type execer interface {
	// exec runs a statement and returns how many rows it has changed. The
	// arguments have the types that a driver accepts.
	exec(which statement, args ...driver.Value) (changed int64, err error)
	// exists returns whether the statement selects a row.
	exists(which statement, args ...driver.Value) (bool, error)
	// ledger returns the row of a key; the zero row if there is none.
	ledger(key string) (ledgerRow, error)
}

// plainWriter runs the statements with database/sql.
type plainWriter struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the transaction
	tx       *sql.Tx
	prepared *prepared
}

func (w plainWriter) exec(which statement, args ...driver.Value) (changed int64, err error) {
	result, err := w.tx.StmtContext(w.ctx, w.prepared.writes[which]).ExecContext(w.ctx, anyOf(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w plainWriter) exists(which statement, args ...driver.Value) (bool, error) {
	var one int
	err := w.tx.StmtContext(w.ctx, w.prepared.writes[which]).QueryRowContext(w.ctx, anyOf(args)...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (w plainWriter) ledger(key string) (l ledgerRow, err error) {
	err = w.tx.StmtContext(w.ctx, w.prepared.writes[stmtReadLedger]).QueryRowContext(w.ctx, key).Scan(&l.expires, &l.stamps)
	if errors.Is(err, sql.ErrNoRows) {
		return ledgerRow{}, nil
	}
	return l, err
}

func anyOf(args []driver.Value) []any {
	list := make([]any, len(args))
	for i, v := range args {
		list[i] = v
	}
	return list
}
