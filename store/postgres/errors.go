package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATEs that this package handles.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	noSuchStatement      = "26000"
	notSupported         = "0A000" // for example a cached plan whose columns have changed
	readOnlyTransaction  = "25006" // the server has become a standby, for example

	insufficientPrivilege = "42501"
)

// serverError returns the server's error, or nil if err is not from the server.
func serverError(err error) *pgconn.PgError {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// rolledBack returns whether the server rejected a statement, so that its
// transaction is certainly rolled back. After a FATAL error that is not certain.
func rolledBack(err error) bool {
	e := serverError(err)
	return e != nil && e.SeverityUnlocalized == "ERROR"
}

// maxReconnects is how often a statement is sent on another connection after the
// connection turned out to be dead, or the prepared statement to be gone, before
// it was run.
const maxReconnects = 3

// retryable returns whether a statement that failed after so many earlier tries
// certainly wrote nothing and may succeed when it is sent again.
func retryable(err error, tries int) bool {
	if pgconn.SafeToRetry(err) {
		return tries < maxReconnects
	}
	e := serverError(err)
	switch {
	case !rolledBack(err):
		return false
	case isStaleStatement(err), e.Code == readOnlyTransaction: // protect closed the connection
		return tries < maxReconnects
	default:
		return e.Code == serializationFailure || e.Code == deadlockDetected
	}
}

// isStaleStatement returns whether a prepared statement has to be prepared again.
func isStaleStatement(err error) bool {
	e := serverError(err)
	return e != nil && (e.Code == noSuchStatement || e.Code == notSupported)
}

// retried calls do again while its error is retryable, until ctx ends. Reads need it
// too: a serializable transaction may fail although it only reads.
func retried[T any](ctx context.Context, do func(ctx context.Context) (T, error)) (T, error) {
	for try := 0; ; try++ {
		if result, err := do(ctx); !retryable(err, try) || !backoff(ctx, try) {
			return result, err
		}
	}
}

// backoff waits before another try: a random time whose maximum doubles with each
// try, up to 128 ms. It returns false when ctx ends first.
func backoff(ctx context.Context, try int) bool {
	limit := time.Millisecond << min(try, 7)
	timer := time.NewTimer(rand.N(limit)) //nolint:gosec // jitter is no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// violatesUnique returns whether err is a violation of this unique index.
func violatesUnique(err error, index string) bool {
	e := serverError(err)
	return e != nil && e.Code == uniqueViolation && e.ConstraintName == index
}

// wrap adds the name of this package to an error of the driver. Such errors have
// names of tables and columns in them, never values.
func wrap(err error) error {
	if err == nil || strings.HasPrefix(err.Error(), "carrierfsm") { // it has a name already
		return err
	}
	return fmt.Errorf("carrierfsm/postgres: %w", err)
}
