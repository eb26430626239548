package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// The SQLSTATEs that mean something to us.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	noSuchStatement      = "26000"
	notSupported         = "0A000" // a plan that is kept and whose columns have changed, for instance
)

// serverError is what the server said, nil if err is not of the server.
func serverError(err error) *pgconn.PgError {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// refused tells whether the server has refused a statement, and lives: then the
// statement's transaction is certainly undone. After FATAL nobody can tell.
func refused(err error) bool {
	e := serverError(err)
	return e != nil && e.SeverityUnlocalized == "ERROR"
}

// staleConnections is how often a statement is given another connection when
// the one it had turns out to be dead before anything was sent.
const staleConnections = 3

// worthAnother tells whether a statement that failed thus, after so many tries
// before, certainly did nothing and may succeed when it is sent again.
func worthAnother(err error, tries int) bool {
	if pgconn.SafeToRetry(err) {
		return tries < staleConnections
	}
	e := serverError(err)
	switch {
	case !refused(err):
		return false
	case outdated(err):
		return tries < staleConnections
	default:
		return e.Code == serializationFailure || e.Code == deadlockDetected
	}
}

// outdated tells whether a prepared statement is of no use any more.
func outdated(err error) bool {
	e := serverError(err)
	return e != nil && (e.Code == noSuchStatement || e.Code == notSupported)
}

// patiently does something again that certainly did nothing, until ctx ends.
// In strict isolation the server refuses even reading now and then.
func patiently(ctx context.Context, do func(ctx context.Context) error) error {
	for try := 0; ; try++ {
		if err := do(ctx); !worthAnother(err, try) || !pause(ctx, try) {
			return err
		}
	}
}

// violates tells whether err is that of this unique index.
func violates(err error, index string) bool {
	e := serverError(err)
	return e != nil && e.Code == uniqueViolation && e.ConstraintName == index
}

// named says where an error of the driver comes from. The server's texts hold
// names of tables and columns, never values.
func named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("carrierfsm/postgres: %w", err)
}
