package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// inTransaction writes a request, calls then, and commits unless that fails. It
// retries if the transaction certainly wrote nothing.
func (w *writer) inTransaction(ctx context.Context, r write.Request, then func(context.Context, pgx.Tx, write.Request) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	for try := 0; ; try++ {
		err := w.transaction(ctx, r, then)
		if !retryable(err, try) && !errors.Is(err, errRetry) || !backoff(ctx, try) {
			return err
		}
	}
}

func (w *writer) transaction(ctx context.Context, r write.Request, then func(context.Context, pgx.Tx, write.Request) error) error {
	tx, err := w.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: w.begin})
	if err != nil {
		return wrap(err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // does nothing after Commit
	refusal, err := w.sendOne(ctx, tx, &r)
	switch {
	case err != nil:
		return wrap(err)
	case refusal != nil:
		return refusal
	}
	if err := then(ctx, tx, r); err != nil {
		return err
	}
	return wrap(tx.Commit(ctx))
}

// beginWithTimeouts returns the SQL that begins a transaction which the server
// ends by itself if a statement, a lock or the client takes longer than d.
func beginWithTimeouts(d time.Duration) string {
	ms := max(d.Milliseconds(), 1)
	return fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = %d; "+
		"SET LOCAL lock_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d", ms, ms, ms)
}

// blankDetails does not blank the entries that this transaction has appended.
const blankDetails = `UPDATE carrierfsm_history SET detail = NULL
	WHERE id = $1 AND detail IS NOT NULL AND step <> ALL ($2::integer[])`

// Erase implements carrierfsm.Store. It blanks the details after the record is
// locked, so that it does not miss those of a commit that was running.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	appended := make([]int32, len(entries))
	for i, e := range entries {
		appended[i] = int32(e.Step)
	}
	request := write.Request{Record: r, Entries: entries}
	return s.commits.inTransaction(ctx, request, func(ctx context.Context, tx pgx.Tx, r write.Request) error {
		if _, err := tx.Exec(ctx, blankDetails, r.Record.ID, appended); err != nil {
			return wrap(err)
		}
		return s.commits.callHook(ctx, tx, r)
	})
}
