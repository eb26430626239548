package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// busyPause is the wait between two tries to become the writer. The driver's
// own busy timeout has passed before each.
const busyPause = 5 * time.Millisecond

// inTransaction runs f in a transaction that is the writer from its beginning
// (BEGIN IMMEDIATE), and commits it unless f fails. A foreign writer is waited
// for until ctx ends or the busy timeout has passed. ctx ends the waiting and
// each statement of f, but not the commit: a half-told answer helps nobody.
func inTransaction(ctx context.Context, db *sql.DB, f func(*sql.Conn) error) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	detached := context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		_, _ = conn.ExecContext(detached, "ROLLBACK") // should it have begun all the same
		return err
	}
	if err = f(conn); err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = commit(detached, conn)
	}
	if err != nil {
		_, rollback := conn.ExecContext(detached, "ROLLBACK")
		if isCode(rollback, lib.SQLITE_ERROR) { // it was rolled back already: a full disk does that
			rollback = nil
		}
		return errors.Join(err, rollback)
	}
	return nil
}

// commit commits; a reader that blocks a checkpoint is no reason to give up.
func commit(ctx context.Context, conn *sql.Conn) error {
	for range 10 {
		_, err := conn.ExecContext(ctx, "COMMIT")
		if !isCode(err, lib.SQLITE_BUSY) {
			return err
		}
		time.Sleep(busyPause)
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}

// patiently tries again while the file is busy. Becoming a WAL file is one of
// the things for which SQLite does not wait by itself.
func patiently(ctx context.Context, limit time.Duration, try func() error) error {
	for end := time.Now().Add(limit); ; {
		err := try()
		if !isCode(err, lib.SQLITE_BUSY) || ctx.Err() != nil || !time.Now().Before(end) {
			return err
		}
		time.Sleep(busyPause)
	}
}

// isCode tells whether err is SQLite's of this primary result code.
func isCode(err error, code int) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}

// violates tells whether err is that of a unique or primary key.
func violates(err error) bool {
	var e *driver.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY
}
