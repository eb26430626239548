package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// inTransaction writes a request, calls then, and commits unless that fails. It
// retries if the transaction certainly wrote nothing.
func (w *writer) inTransaction(ctx context.Context, r write.Request, then func(context.Context, pgx.Tx, write.Request) error) error {
	ctx, cancel := w.withTimeout(ctx)
	defer cancel()
	for try := 0; ; try++ {
		err := w.transaction(ctx, r, then)
		if !retryable(err, try) && !errors.Is(err, errRetry) || !backoff(ctx, try) {
			return err
		}
	}
}

// transaction ends with its caller's context until it sends COMMIT. The server completes
// that one.
func (w *writer) transaction(ctx context.Context, r write.Request, then func(context.Context, pgx.Tx, write.Request) error) error {
	conn, err := w.acquire(ctx)
	if err != nil {
		return wrap(err)
	}
	committing := false
	defer func() { // also if then ends the goroutine
		if !committing {
			conn.Release() // closes a connection that is still in a transaction
		}
	}()
	tx, err := w.beginWrite(ctx, conn, r, then)
	if err != nil {
		return err
	}
	committing = true
	_, err = runWriteOn(ctx, w.Store, conn, func(ctx context.Context, _ *pgx.Conn) (struct{}, error) {
		return struct{}{}, tx.Commit(ctx)
	})
	w.noteOutcome(r.Record.ID, err)
	return wrap(err)
}

// beginWrite writes a request in a new transaction and calls then. The transaction
// is rolled back if it returns an error.
func (w *writer) beginWrite(ctx context.Context, conn *pgxpool.Conn, r write.Request, then func(context.Context, pgx.Tx, write.Request) error) (pgx.Tx, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: w.begin})
	if err != nil {
		return nil, wrap(err)
	}
	refusal, err := w.sendOne(ctx, tx, &r)
	if err = wrap(err); err == nil {
		err = refusal
	}
	if err == nil {
		err = then(ctx, tx, r)
	}
	if err != nil {
		_ = tx.Rollback(ctx) // if that fails, the connection is closed
		return nil, err
	}
	return tx, nil
}

// beginWithTimeouts returns the SQL that begins a transaction which the server
// ends by itself if a statement, a lock or the client takes longer than d.
func beginWithTimeouts(d time.Duration) string {
	ms := max(d.Milliseconds(), 1)
	return fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = %d; "+
		"SET LOCAL lock_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d", ms, ms, ms)
}

// blankDetails does not blank the entries that this transaction has appended. It also
// deletes what handlers failed with.
const blankDetails = `WITH failures AS (UPDATE carrierfsm_parked SET error = NULL WHERE id = $1 AND error IS NOT NULL)
	UPDATE carrierfsm_history SET detail = NULL
	WHERE id = $1 AND detail IS NOT NULL AND step <> ALL ($2::integer[])`

// Erase implements carrierfsm.Store. It blanks the details after the record is
// locked, so that it does not miss those of a commit that was running.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.mayCommit(ctx, &r, entries); err != nil {
		return err
	}
	appended := make([]int32, len(entries))
	for i, e := range entries {
		appended[i] = int32(e.Step)
	}
	request := write.Request{Record: r, Entries: entries}
	err := s.commits.inTransaction(ctx, request, func(ctx context.Context, tx pgx.Tx, r write.Request) error {
		if _, err := tx.Exec(ctx, blankDetails, r.Record.ID, appended); err != nil {
			return wrap(err)
		}
		return s.commits.callHook(ctx, tx, r)
	})
	s.commits.wakeOthers(request, err)
	return err
}

const replaceDetails = `UPDATE carrierfsm_history SET detail = new.detail
	FROM unnest($2::integer[], $3::bytea[]) AS new (step, detail)
	WHERE carrierfsm_history.id = $1 AND carrierfsm_history.step = new.step`

// Reseal does what Commit does without entries and, in the same transaction, replaces
// the details of earlier ones: see carrierfsm.Machine.Reseal.
func (s *Store) Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error {
	if err := s.mayCommit(ctx, &r, details); err != nil {
		return err
	}
	steps, texts := make([]int32, len(details)), make([][]byte, len(details))
	for i := range details {
		steps[i], texts[i] = int32(details[i].Step), bytes.Clone(details[i].Detail) // the caller may return before
	}
	return s.commits.inTransaction(ctx, write.Request{Record: r}, func(ctx context.Context, tx pgx.Tx, r write.Request) error {
		_, err := tx.Exec(ctx, replaceDetails, r.Record.ID, steps, texts)
		return wrap(err)
	})
}
