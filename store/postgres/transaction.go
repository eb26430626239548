package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
)

// Hook is the host's own SQL in the transaction of a write that carries
// entries: an order booked, a row of an outbox of its own. What it does and
// what the machine does are committed both or neither; an error or a panic
// undoes both, and comes back from the machine as ErrStore.
//
// It is called after the machine's own rows are written and must use tx alone.
// It must not commit, and nothing outside the transaction belongs here: a
// transition may be tried again, and so may the hook. The record is locked
// until it returns, so it should be quick; the server ends a transaction that
// stands still.
type Hook func(ctx context.Context, tx pgx.Tx, r carrierfsm.Record, entries []carrierfsm.Entry) error

// WithHook has f called in the transaction of each Create, Commit and Erase
// that carries entries. Writes with a hook are not grouped, and take four round
// trips more.
func WithHook(f Hook) Option { return func(s *Store) { s.hook = f } }

// inTransaction writes a draft, calls then, and commits unless that fails; and
// once more after what certainly did nothing.
func (w *writer) inTransaction(ctx context.Context, d draft, then func(context.Context, pgx.Tx, draft) error) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	for try := 0; ; try++ {
		err := w.transaction(ctx, d, then)
		if !worthAnother(err, try) && !errors.Is(err, errAgain) || !pause(ctx, try) {
			return err
		}
	}
}

func (w *writer) transaction(ctx context.Context, d draft, then func(context.Context, pgx.Tx, draft) error) error {
	tx, err := w.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: w.begin})
	if err != nil {
		return named(err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // nothing is left to undo after Commit
	verdict, err := w.sendOne(ctx, tx, &d)
	switch {
	case err != nil:
		return named(err)
	case verdict != nil:
		return verdict
	}
	if err := then(ctx, tx, d); err != nil {
		return err
	}
	return named(tx.Commit(ctx))
}

// beginBounded begins a transaction that the server itself ends if we stand
// still, or vanish, or ask for something endless.
func beginBounded(d time.Duration) string {
	ms := max(d.Milliseconds(), 1)
	return fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL statement_timeout = %d; "+
		"SET LOCAL lock_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d", ms, ms, ms)
}

// callHook calls the host's hook, if there is one to call.
func (w *writer) callHook(ctx context.Context, tx pgx.Tx, d draft) (err error) {
	if w.hook == nil || len(d.entries) == 0 {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("carrierfsm/postgres: the hook panicked: %v", p)
		}
	}()
	d = d.own() // ours stays ours: it may be needed once more
	return w.hook(ctx, tx, d.record, d.entries)
}

// blankDetails leaves the entries that have just been appended.
const blankDetails = `UPDATE carrierfsm_history SET detail = NULL
	WHERE id = $1 AND detail IS NOT NULL AND step <> ALL ($2::integer[])`

// Erase is carrierfsm.Store's. The details are blanked after the record is
// locked, so that none of a commit that was under way is left.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fresh := make([]int32, len(entries))
	for i, e := range entries {
		fresh[i] = int32(e.Step)
	}
	return s.commits.inTransaction(ctx, draft{r, entries}, func(ctx context.Context, tx pgx.Tx, d draft) error {
		if _, err := tx.Exec(ctx, blankDetails, d.record.ID, fresh); err != nil {
			return named(err)
		}
		return s.commits.callHook(ctx, tx, d)
	})
}
