package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// busyPause is the wait between two tries to become the writer. The driver's
// own busy timeout has passed before each.
const busyPause = 5 * time.Millisecond

// writing runs f in a transaction that is the writer from its beginning, with
// the prepared statements, and commits it unless f fails. ctx ends the waiting
// for that, but not what follows, which is brief: a half-told answer helps
// nobody.
func (s *Store) writing(ctx context.Context, f func(writer) error) error {
	if s.own == nil {
		return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
			return f(hostWriter{ctx, tx, &s.prepared})
		})
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return named(s.own.transaction(ctx, s.busy, f))
}

// inTransaction is writing for what has other statements.
func (s *Store) inTransaction(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return s.asWriter(ctx, func(conn *sql.Conn) error {
		tx, err := s.beginAsWriter(ctx, conn)
		if err != nil {
			return named(err)
		}
		if err = f(context.WithoutCancel(ctx), tx); err != nil {
			_ = tx.Rollback() // it may be over already: a full disk ends it
			return named(err)
		}
		return named(tx.Commit())
	})
}

// asWriter runs f on the writing connection when its turn has come.
func (s *Store) asWriter(ctx context.Context, f func(*sql.Conn) error) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if s.own != nil {
		return f(s.own.conn)
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return named(err)
	}
	defer func() { _ = conn.Close() }() // back to the pool
	return f(conn)
}

// enter waits until no other caller of this store writes, so that SQLite's
// lock is contended for by foreign writers only.
func (s *Store) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// enterIdle is enter for what is not to keep a writer waiting.
func (s *Store) enterIdle() (leave func(), ok bool) {
	if !s.queue.Idle() {
		return nil, false
	}
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, true
	default:
		return nil, false
	}
}

const claimFile = `UPDATE carrierfsm_schema SET version = version WHERE version < 0`

// beginAsWriter begins a transaction that is the writer before it reads
// anything: one that has read first may not wait, for SQLite would have it
// write over what it has not seen. A connection of ours begins with BEGIN
// IMMEDIATE; on one of the host's a statement that changes nothing does it.
func (s *Store) beginAsWriter(ctx context.Context, conn *sql.Conn) (tx *sql.Tx, err error) {
	begin := func() (err error) {
		tx, err = conn.BeginTx(context.WithoutCancel(ctx), nil)
		return err
	}
	if s.claims {
		err = patiently(ctx, s.busy, begin)
		return tx, err
	}
	if err := begin(); err != nil {
		return nil, err
	}
	err = patiently(ctx, s.busy, func() error {
		_, err := tx.StmtContext(ctx, s.prepared.claim).ExecContext(ctx)
		return err
	})
	if err != nil {
		_ = tx.Rollback()
	}
	return tx, err
}

// patiently tries again while the file is busy, until ctx ends or the limit
// has passed. Becoming a WAL file is one of the things for which SQLite does
// not wait by itself; the host may have set no busy timeout at all.
func patiently(ctx context.Context, limit time.Duration, try func() error) error {
	for end := time.Now().Add(limit); ; {
		err := try()
		if !isCode(err, lib.SQLITE_BUSY) || !time.Now().Before(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(busyPause):
		}
	}
}

// named says where an error of the driver comes from. The driver's texts hold
// names of tables and columns, never values.
func named(err error) error {
	var e *driver.Error
	if errors.As(err, &e) {
		return fmt.Errorf("carrierfsm/sqlite: %w", err)
	}
	return err
}

// isCode tells whether err is SQLite's of this primary result code.
func isCode(err error, code int) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

// violates tells whether err is that of a unique key.
func violates(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE
}
