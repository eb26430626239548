package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// The fast path of Create, Commit and Erase, in a store made by Open. It replaces
// plainWriter: it calls the statements of the driver directly and not through
// database/sql, which is made for many connections and values of any type. That
// saves about 30 % of the CPU time of a commit.
//
// TestTheFastPathAndDatabaseSQLStoreTheSameRows holds it equal to plainWriter.

// fastWriter is the only connection on which the store writes. The holder of
// Store.writeLock uses it.
type fastWriter struct {
	conn  *sql.Conn
	stmts [statementCount]driver.Stmt // of conn
	args  []driver.NamedValue         // of the statement that is running

	loader *loader // of conn too
}

// newFastWriter takes a connection out of its pool until close.
func newFastWriter(ctx context.Context, pool *sql.DB) (w *fastWriter, err error) {
	w = new(fastWriter)
	if w.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	err = w.conn.Raw(func(conn any) (err error) {
		for which, text := range statementTexts {
			if w.stmts[which], err = prepareOn(ctx, conn, text); err != nil {
				break
			}
		}
		return err
	})
	if err == nil {
		w.loader, err = newLoader(ctx, w.conn)
	}
	if err != nil {
		_ = w.close()
		return nil, err
	}
	return w, nil
}

// prepareOn prepares a statement on a connection of the driver.
func prepareOn(ctx context.Context, conn any, text string) (driver.Stmt, error) {
	return conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

// transaction does what Store.writeTx says.
func (w *fastWriter) transaction(ctx context.Context, retryBusy busyRetry, f func(execer) error) error {
	return w.conn.Raw(func(any) error {
		if err := retryBusy(ctx, func() error { return w.run(stmtBegin) }); err != nil {
			return err
		}
		err := f(w)
		if err == nil {
			err = w.run(stmtCommit)
		}
		if err != nil {
			_ = w.run(stmtRollback) // fails if SQLite has rolled back already, as it does when the disk is full
		}
		return err
	})
}

func (w *fastWriter) run(which statement) error {
	_, err := w.exec(which)
	return err
}

func (w *fastWriter) exec(which statement, args ...driver.Value) (changed int64, err error) {
	result, err := w.stmts[which].(driver.StmtExecContext).ExecContext(context.Background(), w.bind(args))
	clear(w.args) // the values belong to the caller
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w *fastWriter) exists(which statement, args ...driver.Value) (bool, error) {
	rows, err := w.stmts[which].(driver.StmtQueryContext).QueryContext(context.Background(), w.bind(args))
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }()
	err = rows.Next(make([]driver.Value, 1))
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

func (w *fastWriter) ledger(key string) (l ledgerRow, err error) {
	rows, err := w.stmts[stmtReadLedger].(driver.StmtQueryContext).QueryContext(context.Background(), w.bind([]driver.Value{key}))
	if err != nil {
		return l, err
	}
	defer func() { _ = rows.Close() }()
	var row [2]driver.Value
	switch err = rows.Next(row[:]); {
	case errors.Is(err, io.EOF):
		return l, nil
	case err != nil:
		return l, err
	}
	l.expires, _ = row[0].(int64)
	l.stamps, _ = row[1].(string)
	return l, nil
}

// bind numbers the arguments.
func (w *fastWriter) bind(args []driver.Value) []driver.NamedValue {
	w.args = w.args[:0]
	for i, v := range args {
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return w.args
}

// close returns the connection to its pool.
func (w *fastWriter) close() error {
	errs := []error{w.conn.Raw(func(any) error { return closeAll(w.stmts[:]) })}
	if w.loader != nil {
		errs = append(errs, w.loader.close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

func closeAll(list []driver.Stmt) error {
	var errs []error
	for _, s := range list {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}
