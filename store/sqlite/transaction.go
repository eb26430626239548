package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/carrierfsm/carrierfsm"
)

// writeTx runs f in a transaction that has SQLite's write lock from the
// beginning, and commits it unless f fails. f gets the prepared statements.
//
// ctx limits how long writeTx waits for the lock. It does not end the transaction,
// which is short: the caller gets a certain result.
func (s *Store) writeTx(ctx context.Context, f func(execer) error) error {
	if s.fastWriter == nil {
		return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return f(plainWriter{ctx, tx, &s.prepared})
		})
	}
	unlock, err := s.lockWrites(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return wrap(s.fastWriter.transaction(ctx, s.retryBusy, func(x execer) error {
		if err := s.checkEpoch(x); err != nil {
			return err
		}
		return f(x)
	}))
}

// inTransaction is writeTx for statements that are not prepared.
func (s *Store) inTransaction(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return s.inAnyEpoch(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := s.checkEpoch(plainEpoch{ctx, tx}); err != nil {
			return err
		}
		return f(ctx, tx)
	})
}

// inAnyEpoch is inTransaction for a store that is bound to another epoch.
func (s *Store) inAnyEpoch(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return s.onWriteConn(ctx, func(conn *sql.Conn) error {
		tx, err := s.begin(ctx, conn)
		if err != nil {
			return wrap(err)
		}
		if err = f(context.WithoutCancel(ctx), tx); err != nil {
			_ = tx.Rollback() // fails if SQLite has rolled back already, as it does when the disk is full
			return wrap(err)
		}
		return wrap(tx.Commit())
	})
}

// onWriteConn runs f with the connection for writes and Store.writeLock.
func (s *Store) onWriteConn(ctx context.Context, f func(*sql.Conn) error) error {
	return s.onWriteConnUnless(ctx, s.calls.Closing(), f)
}

// onWriteConnUnless is onWriteConn that stops waiting for writeLock when the
// channel is closed.
func (s *Store) onWriteConnUnless(ctx context.Context, closed <-chan struct{}, f func(*sql.Conn) error) error {
	unlock, err := s.lockWritesUnless(ctx, closed)
	if err != nil {
		return err
	}
	defer unlock()
	if s.fastWriter != nil {
		return f(s.fastWriter.conn)
	}
	waiting, stop := s.calls.Until(ctx)
	defer stop()
	conn, err := s.writeDB.Conn(waiting)
	if err != nil {
		return s.orClosed(ctx, wrap(err))
	}
	defer func() { _ = conn.Close() }() // back to the pool
	return f(conn)
}

// lockWrites waits until no other caller of this store writes. So only writers
// outside this store compete for SQLite's own lock.
func (s *Store) lockWrites(ctx context.Context) (unlock func(), err error) {
	return s.lockWritesUnless(ctx, s.calls.Closing())
}

func (s *Store) lockWritesUnless(ctx context.Context, closed <-chan struct{}) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.writeLock <- struct{}{}:
		return func() { <-s.writeLock }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-closed:
		return nil, carrierfsm.ErrClosed
	}
}

// tryLockWrites is lockWrites for a read: it fails if a write is running or
// queued.
func (s *Store) tryLockWrites() (unlock func(), ok bool) {
	if !s.queue.Idle() {
		return nil, false
	}
	select {
	case s.writeLock <- struct{}{}:
		return func() { <-s.writeLock }, true
	default:
		return nil, false
	}
}

// lockFile takes SQLite's write lock and changes nothing.
const lockFile = `UPDATE carrierfsm_schema SET version = version WHERE version < 0`

// begin begins a transaction and takes SQLite's write lock before anything is
// read. SQLite refuses the lock to a transaction that has read an older snapshot.
// Connections made by Open begin with BEGIN IMMEDIATE; on a connection of the host
// lockFile takes the lock.
func (s *Store) begin(ctx context.Context, conn *sql.Conn) (tx *sql.Tx, err error) {
	beginTx := func() (err error) {
		tx, err = conn.BeginTx(context.WithoutCancel(ctx), nil)
		return err
	}
	if s.beginsImmediate {
		err = s.retryBusy(ctx, beginTx)
		return tx, err
	}
	if err := beginTx(); err != nil {
		return nil, err
	}
	err = s.retryBusy(ctx, func() error {
		_, err := tx.StmtContext(ctx, s.prepared.lockFile).ExecContext(ctx)
		return err
	})
	if err != nil {
		_ = tx.Rollback()
	}
	return tx, err
}

// busyPause is the pause between two tries to get SQLite's lock. Before each
// pause the driver has waited for its own busy timeout.
const busyPause = 5 * time.Millisecond

// busyRetry is the type of Store.retryBusy.
type busyRetry func(ctx context.Context, try func() error) error

// retryBusy calls try until it returns another error than SQLITE_BUSY, ctx ends, the
// store is closed, or the store's busy timeout has passed. The driver's busy timeout is not enough: the host may
// have set none, and SQLite does not apply it to everything, for example not to
// changing a file to WAL mode.
func (s *Store) retryBusy(ctx context.Context, try func() error) error {
	for end := time.Now().Add(s.busy); ; {
		err := try()
		if !hasCode(err, lib.SQLITE_BUSY) || !time.Now().Before(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.calls.Closing():
			return carrierfsm.ErrClosed
		case <-time.After(busyPause):
		}
	}
}

// wrap adds the name of this package to an error of the driver. Such errors have
// names of tables and columns in them, never values.
func wrap(err error) error {
	var e *driver.Error
	if errors.As(err, &e) && !strings.HasPrefix(err.Error(), "carrierfsm") {
		return fmt.Errorf("carrierfsm/sqlite: %w", err)
	}
	return err
}

// hasCode returns whether err is an error of SQLite with this primary result
// code.
func hasCode(err error, code int) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

func isUniqueViolation(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE
}
