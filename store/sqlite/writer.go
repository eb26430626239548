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
	// exists returns whether there is a record with this id.
	exists(id string) (bool, error)
}

// plainWriter runs the statements with database/sql.
type plainWriter struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the transaction
	tx       *sql.Tx
	prepared *prepared
}

func (w plainWriter) exec(which statement, args ...driver.Value) (changed int64, err error) {
	list := make([]any, len(args))
	for i, v := range args {
		list[i] = v
	}
	result, err := w.tx.StmtContext(w.ctx, w.prepared.writes[which]).ExecContext(w.ctx, list...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w plainWriter) exists(id string) (bool, error) {
	var one int
	err := w.tx.StmtContext(w.ctx, w.prepared.writes[stmtRecordExists]).QueryRowContext(w.ctx, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
