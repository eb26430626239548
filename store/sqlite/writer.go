package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"time"
)

// writer is the connection of a transaction that is under way.
type writer interface {
	// exec carries out one of the prepared statements, and tells how many rows
	// it has changed. The arguments are of the types that a driver takes.
	exec(which statement, args ...driver.Value) (changed int64, err error)
	// has tells whether there is a record of this id.
	has(id string) (bool, error)
}

// ownWriter is the one connection that the store writes on by itself. It is
// used by the driver's own interface: database/sql, made for many connections
// and all kinds of values, would take as long again as the writing does. It is
// used by whoever has the turn.
type ownWriter struct {
	conn *sql.Conn
	raw  [statements]driver.Stmt // of conn
	args []driver.NamedValue     // of the statement being carried out

	loader *loader // on conn too
}

// newOwnWriter takes the connection from its pool for good.
func newOwnWriter(ctx context.Context, pool *sql.DB) (w *ownWriter, err error) {
	w = new(ownWriter)
	if w.conn, err = pool.Conn(ctx); err != nil {
		return nil, err
	}
	err = w.conn.Raw(func(conn any) (err error) {
		for which, text := range texts {
			if w.raw[which], err = prepareOn(ctx, conn, text); err != nil {
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

// prepareOn prepares on a connection of the driver.
func prepareOn(ctx context.Context, conn any, text string) (driver.Stmt, error) {
	return conn.(driver.ConnPrepareContext).PrepareContext(ctx, text)
}

// transaction is Store.writing's.
func (w *ownWriter) transaction(ctx context.Context, busy time.Duration, f func(writer) error) error {
	return w.conn.Raw(func(any) error {
		if err := patiently(ctx, busy, func() error { return w.do(begin) }); err != nil {
			return err
		}
		err := f(w)
		if err == nil {
			err = w.do(commit)
		}
		if err != nil {
			_ = w.do(rollback) // it may be over already: a full disk ends it
		}
		return err
	})
}

func (w *ownWriter) do(which statement) error {
	_, err := w.exec(which)
	return err
}

func (w *ownWriter) exec(which statement, args ...driver.Value) (changed int64, err error) {
	result, err := w.raw[which].(driver.StmtExecContext).ExecContext(context.Background(), w.bind(args))
	clear(w.args) // what they held is not ours to keep
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w *ownWriter) has(id string) (bool, error) {
	rows, err := w.raw[exists].(driver.StmtQueryContext).QueryContext(context.Background(), w.bind([]driver.Value{id}))
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

// bind gives the arguments their numbers.
func (w *ownWriter) bind(args []driver.Value) []driver.NamedValue {
	w.args = w.args[:0]
	for i, v := range args {
		w.args = append(w.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return w.args
}

// close gives the connection back.
func (w *ownWriter) close() error {
	errs := []error{w.conn.Raw(func(any) error { return closeAll(w.raw[:]) })}
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

// hostWriter is a transaction on a connection of the host's.
type hostWriter struct {
	ctx      context.Context //nolint:containedctx // it lives as long as the transaction
	tx       *sql.Tx
	prepared *prepared
}

func (w hostWriter) exec(which statement, args ...driver.Value) (changed int64, err error) {
	list := make([]any, len(args))
	for i, v := range args {
		list[i] = v
	}
	result, err := w.tx.StmtContext(w.ctx, w.prepared.writing[which]).ExecContext(w.ctx, list...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (w hostWriter) has(id string) (bool, error) {
	var one int
	err := w.tx.StmtContext(w.ctx, w.prepared.writing[exists]).QueryRowContext(w.ctx, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
