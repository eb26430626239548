package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
)

// writer writes one kind of request: creations or commits.
type writer struct {
	*Store
	withKey    writeSQL    // if a request has a key
	withoutKey writeSQL    // if none has
	spending   oneSpending // if one spends
	queue      *batch.Queue[write.Request]
}

func (s *Store) newWriter(withKey, withoutKey writeSQL, spending oneSpending) *writer {
	w := &writer{Store: s, withKey: withKey, withoutKey: withoutKey, spending: spending}
	w.queue = batch.New(batch.Config[write.Request]{
		WriteOne: w.writeOne, WriteBatch: w.writeBatch, Concurrency: maxWrites, MaxItems: maxBatch, MinWait: minBatchWait, MaxWait: maxBatchWait,
		Locks: write.Request.Locks, Clone: write.Request.Clone, Size: sizeOf, MaxSize: maxBatchBytes,
	})
	return w
}

// When writes are batched. A write that runs alone takes less time; a write in a
// batch costs the server less, which counts when there are more writes than can
// run at the same time. See docs/postgres.md.
const (
	maxWrites     = 4                      // at the same time, before they are batched
	maxBatch      = 128                    // larger batches are not faster
	maxBatchBytes = 1 << 20                // of bodies and details
	minBatchWait  = 20 * time.Millisecond  // several times as long as a batch takes on a server nearby
	maxBatchWait  = 320 * time.Millisecond // for a batch that takes longer: it may wait for a lock
)

// sizeOf returns about how many bytes a request has.
func sizeOf(r write.Request) int {
	n := len(r.Record.Body)
	for _, e := range r.Entries {
		n += len(e.Detail)
	}
	return n
}

// Create implements carrierfsm.Store.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := legal.Write(&r, entries); err != nil {
		return err
	}
	return s.creates.do(ctx, write.Request{Record: r, Entries: entries})
}

// Commit implements carrierfsm.Store.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.mayCommit(ctx, &r, entries); err != nil {
		return err
	}
	return s.commits.do(ctx, write.Request{Record: r, Entries: entries})
}

// mayCommit returns the error of a commit that no server need see.
func (s *Store) mayCommit(ctx context.Context, r *carrierfsm.Record, entries []carrierfsm.Entry) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if !legal.ID(r.ID) {
		return carrierfsm.ErrNotFound
	}
	return legal.Write(r, entries)
}

// do writes a request. When ctx ends, do returns; what was sent with the request in
// it continues.
func (w *writer) do(ctx context.Context, r write.Request) (err error) {
	if w.hook != nil && len(r.Entries) > 0 {
		err = w.inTransaction(ctx, r, w.callHook)
	} else {
		err = enqueue(ctx, w.Store, w.queue, r)
	}
	w.wakeOthers(r, err)
	return err
}

// wakeOthers wakes dispatchers of other processes if a request with entries was written.
func (w *writer) wakeOthers(r write.Request, err error) {
	if err == nil && len(r.Entries) > 0 && w.queued.Enter() { // Close waits for what wake starts
		w.waker.wake()
		w.queued.Leave()
	}
}

// writeOne writes a request in its own statement, and retries if the statement
// certainly wrote nothing.
func (w *writer) writeOne(ctx context.Context, r write.Request) error {
	ctx, cancel := w.withTimeout(ctx)
	defer cancel()
	r = r.Clone() // the caller may return before it is sent
	for try := 0; ; try++ {
		refusal, err := runWrite(ctx, w.Store, func(ctx context.Context, c *pgx.Conn) (error, error) {
			return w.sendOne(ctx, c, &r)
		})
		switch {
		case err != nil && (!retryable(err, try) || ctx.Err() != nil):
			w.noteOutcome(r.Record.ID, err)
			return wrap(err)
		case err == nil && !errors.Is(refusal, errRetry):
			return refusal
		case !backoff(ctx, try):
			return fmt.Errorf("%w: %w", errRetry, ctx.Err())
		}
	}
}

// writeBatch is writeOne for several requests in one statement. It returns an
// error for each. If the server rejects the statement, each request gets its own.
func (w *writer) writeBatch(ctx context.Context, requests []write.Request) []error {
	ctx, cancel := w.withTimeout(ctx)
	defer cancel()
	errs := make([]error, len(requests))
	open := make([]int, len(requests)) // indexes of the requests without a result
	for i := range open {
		open[i] = i
	}
	for try := 0; ; try++ {
		next, err := w.writeOpen(ctx, requests, open, errs)
		switch {
		case err == nil && len(next) == 0:
			return errs
		case err == nil:
			open = next
		case rolledBack(err) && !retryable(err, try): // because of one of them
			for _, i := range open {
				errs[i] = w.writeOne(ctx, requests[i])
			}
			return errs
		case !retryable(err, try) || ctx.Err() != nil:
			for _, i := range open {
				w.noteOutcome(requests[i].Record.ID, err)
			}
			return setAll(errs, open, wrap(err))
		}
		if !backoff(ctx, try) {
			return setAll(errs, open, fmt.Errorf("%w: %w", errRetry, ctx.Err()))
		}
	}
}

// writeOpen sends the open requests once, sets their errors, and returns the
// indexes of those that need another try.
func (w *writer) writeOpen(ctx context.Context, requests []write.Request, open []int, errs []error) (next []int, err error) {
	sent := requests
	if len(open) < len(requests) {
		sent = make([]write.Request, len(open))
		for n, i := range open {
			sent[n] = requests[i]
		}
	}
	results, err := runWrite(ctx, w.Store, func(ctx context.Context, c *pgx.Conn) ([]error, error) {
		return w.sendBatch(ctx, c, sent)
	})
	if err != nil {
		return nil, err
	}
	for n, refusal := range results {
		if errors.Is(refusal, errRetry) {
			next = append(next, open[n])
		}
		errs[open[n]] = refusal
	}
	return next, nil
}

func setAll(errs []error, indexes []int, err error) []error {
	for _, i := range indexes {
		errs[i] = err
	}
	return errs
}

// withTimeout limits ctx to the timeout of the store.
func (s *Store) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= s.timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.timeout)
}
