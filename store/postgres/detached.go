package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
)

// A write does not end with its caller's context: the caller returns, and the server
// completes the statement, so that its commit still waits for the standby. pgx gives the
// connection up then, without a cancel request (see protect), and reads what the server
// still sends. While too many connections are given up, and behind a pooler, writes run
// detached instead, each in a goroutine of its own, and keep theirs: a pooler closes its
// connection to the server when it loses its client, so it would soon open others beside
// statements that still run.

// errWaitCanceled is the error of a commit that is perhaps on the primary alone.
var errWaitCanceled = errors.New("carrierfsm/postgres: the wait for the standby was canceled, so a failover may lose the commit")

// errCut is the error of a write whose connection was cut. pgx calls a write in the
// simple protocol safe to retry then, although it was sent.
var errCut = errors.New("carrierfsm/postgres: the connection was cut before the server answered")

// notWritten is the error of a write that certainly did not take place.
type notWritten struct{ error }

func (e notWritten) Unwrap() error { return e.error }

// isUnknown returns whether it is unknown whether a write that returned err took
// place.
func isUnknown(err error) bool {
	var not notWritten
	return err != nil && !errors.As(err, &not) && !rolledBack(err) && !errors.Is(err, pgx.ErrTxCommitRollback) && !pgconn.SafeToRetry(err)
}

// runWrite runs f, which writes, on a connection of the pool. If ctx ends or the store's
// timeout passes first, it returns an error, and whether f wrote is unknown.
func runWrite[T any](ctx context.Context, s *Store, f func(context.Context, *pgx.Conn) (T, error)) (result T, err error) {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	conn, err := s.acquire(ctx)
	if err != nil {
		return result, notWritten{err}
	}
	return runWriteOn(ctx, s, conn, f)
}

// runWriteOn is runWrite on a connection that was acquired. It releases the
// connection. ctx ends after the store's timeout.
func runWriteOn[T any](ctx context.Context, s *Store, conn *pgxpool.Conn, f func(context.Context, *pgx.Conn) (T, error)) (result T, err error) {
	if conn.Conn().IsClosed() {
		conn.Release()
		return result, notWritten{errCut}
	}
	r, ok := s.start(conn)
	switch {
	case !ok:
		conn.Release()
		return result, notWritten{carrierfsm.ErrClosed}
	case !r.mayLeave:
		return detached(ctx, r, f)
	}
	defer r.end()
	return runOn(ctx, r, f)
}

// runOn runs f and returns what its outcome is.
func runOn[T any](ctx context.Context, r *statement, f func(context.Context, *pgx.Conn) (T, error)) (result T, err error) {
	takeWaitCanceled(r.pgx)
	result, err = f(ctx, r.pgx)
	switch {
	case err == nil && takeWaitCanceled(r.pgx):
		err = errWaitCanceled
	case errors.As(err, new(notWritten)):
	case err != nil && ctx.Err() != nil && r.pgx.IsClosed():
		err = ctx.Err()
	case errors.Is(err, pgconn.ErrConnClosed):
		err = errCut
	}
	return result, err
}

// detached runs f in a goroutine with a context that never ends. If ctx ends first, it
// returns ctx's error, and f goes on.
func detached[T any](ctx context.Context, r *statement, f func(context.Context, *pgx.Conn) (T, error)) (result T, err error) {
	type outcome struct {
		result T
		err    error
	}
	done := make(chan outcome, 1)
	go func() { //nolint:gosec // it must not end with ctx
		result, err := runOn(context.Background(), r, f)
		r.end() // before the caller may want the connection
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		r.leave()
		return result, ctx.Err()
	}
}

// written is runWrite with retries, as long as f certainly wrote nothing.
func written[T any](ctx context.Context, s *Store, f func(context.Context, *pgx.Conn) (T, error)) (T, error) {
	ctx, cancel := s.withTimeout(ctx)
	defer cancel()
	return retried(ctx, func(ctx context.Context) (T, error) { return runWrite(ctx, s, f) })
}

// exec is written for one statement. It returns how many rows the statement wrote.
func (s *Store) exec(ctx context.Context, sql string, args ...any) (rows int64, err error) {
	return written(ctx, s, func(ctx context.Context, c *pgx.Conn) (int64, error) {
		tag, err := c.Exec(ctx, sql, args...)
		return tag.RowsAffected(), err
	})
}

// transact is written for a transaction. The server ends the transaction if one of
// its statements takes longer than the store's timeout.
func transact[T any](ctx context.Context, s *Store, f func(context.Context, pgx.Tx) (T, error)) (T, error) {
	return inTransaction(ctx, s, func(ctx context.Context, tx pgx.Tx) (result T, err error) {
		if err := s.lockEpoch(ctx, tx); err != nil {
			return result, err
		}
		return f(ctx, tx)
	})
}

// inTransaction is transact for a store that is bound to another epoch.
func inTransaction[T any](ctx context.Context, s *Store, f func(context.Context, pgx.Tx) (T, error)) (T, error) {
	return written(ctx, s, func(ctx context.Context, c *pgx.Conn) (result T, err error) {
		err = pgx.BeginTxFunc(ctx, c, pgx.TxOptions{BeginQuery: s.begin}, func(tx pgx.Tx) (err error) {
			if result, err = f(ctx, tx); err != nil {
				err = notWritten{err}
			}
			return err
		})
		return result, err
	})
}

// usable returns an error after the end of the context or the store.
func (s *Store) usable(ctx context.Context) error {
	if s.queued.Closed() {
		return carrierfsm.ErrClosed
	}
	return ctx.Err()
}

// enqueue passes an item to a queue and returns its result.
func enqueue[T any](ctx context.Context, s *Store, q *batch.Queue[T], item T) error {
	if !s.queued.Enter() {
		return carrierfsm.ErrClosed
	}
	defer s.queued.Leave()
	return q.Do(ctx, item)
}

// acquire acquires a connection. A closed store returns carrierfsm.ErrClosed.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	if s.queued.Closed() {
		return nil, carrierfsm.ErrClosed
	}
	conn, err := s.pool.Acquire(ctx)
	if !s.queued.Closed() {
		return conn, err
	}
	if err == nil {
		conn.Release()
	}
	return nil, carrierfsm.ErrClosed
}

// statements are the writes that run.
type statements struct {
	mu        sync.Mutex
	running   map[*statement]struct{}
	abandoned int            // how many connections have left the pool
	closed    bool           // no further ones may run
	idle      sync.WaitGroup // done when none is running
}

// statement is a write that runs on a connection.
type statement struct {
	store    *Store
	conn     *pgxpool.Conn
	pgx      *pgx.Conn // conn's
	begun    time.Time
	mayLeave bool // whether the connection may leave the pool when the caller's context ends

	// Guarded by statements.mu.
	ended bool
	timer *time.Timer // of abandon, then of cut
	left  bool        // the connection has left the pool
}

// start registers a statement that is about to run. It returns false if the store
// is closed.
func (s *Store) start(conn *pgxpool.Conn) (r *statement, ok bool) {
	w := &s.writes
	r = &statement{store: s, conn: conn, pgx: conn.Conn(), begun: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, false
	}
	if w.running == nil {
		w.running = make(map[*statement]struct{})
	}
	w.running[r] = struct{}{}
	w.idle.Add(1)
	r.mayLeave = !s.pooled.Load() && w.abandoned < s.maxConns // so many more may be running
	return r, true
}

// leave is called when the caller of a detached statement has returned before it ended.
func (r *statement) leave() {
	r.store.writes.mu.Lock()
	defer r.store.writes.mu.Unlock()
	if !r.ended {
		r.timer = time.AfterFunc(r.store.timeout-time.Since(r.begun), r.abandon)
	}
}

const (
	// abandonedFor is for how long a connection counts as abandoned whose statement gets
	// no answer. A detached statement's answer is awaited for so long.
	abandonedFor = 2 * time.Minute
	// drainedFor is how long a connection is read that pgx has given up. pgx itself would
	// close it after 15 s, and not say whether an answer came.
	drainedFor = 14 * time.Second
)

// abandon takes the connection out of the pool while its statement runs, so that
// another one can take its place, perhaps to another server. At most twice as many
// connections as the pool may have are abandoned: while a standby is away every
// commit waits, and the server must not run out of connections.
func (r *statement) abandon() {
	w := &r.store.writes
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.ended:
	case w.abandoned >= 2*r.store.maxConns:
		r.timer = time.AfterFunc(r.store.timeout, r.abandon)
	default:
		w.abandoned++
		r.left = true
		r.conn.Hijack()
		r.timer = time.AfterFunc(r.store.abandonedFor, r.cut)
	}
}

// cut closes the network connection. The server may still complete the statement.
func (r *statement) cut() { _ = r.pgx.PgConn().Conn().Close() }

// end gives the connection back to the pool, or closes it if it has left the pool. One
// that pgx has given up leaves it now.
func (r *statement) end() {
	w := &r.store.writes
	w.mu.Lock()
	r.ended = true
	if r.timer != nil {
		r.timer.Stop()
	}
	if !r.left && r.givenUp() {
		w.abandoned++
		w.mu.Unlock()
		r.conn.Hijack()
		go r.awaitAnswer()
		return
	}
	if r.left {
		w.abandoned--
	}
	delete(w.running, r)
	w.mu.Unlock()
	defer w.idle.Done()
	if !r.left {
		r.conn.Release()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = r.pgx.Close(ctx)
}

// givenUp returns whether pgx has given the connection up and still reads from it.
func (r *statement) givenUp() bool {
	if !r.pgx.IsClosed() {
		return false
	}
	select {
	case <-r.pgx.PgConn().CleanupDone():
		return false
	default:
		return true
	}
}

// awaitAnswer waits until a connection that was given up is closed. If the server has not
// answered by then, the statement still runs there, and the connection counts as abandoned.
func (r *statement) awaitAnswer() {
	given, cut := time.Now(), atomic.Bool{}
	drained := time.AfterFunc(r.store.drainedFor, func() {
		cut.Store(true)
		r.cut()
	})
	<-r.pgx.PgConn().CleanupDone()
	drained.Stop()
	w := &r.store.writes
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.running, r)
	w.idle.Done()
	if cut.Load() && !w.closed {
		time.AfterFunc(r.store.abandonedFor-time.Since(given), w.answered)
		return
	}
	w.abandoned--
}

// answered counts a statement as ended that was abandoned.
func (w *statements) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandoned--
}

// close waits until no statement runs, and cuts those that run for longer than
// timeout.
func (w *statements) close(timeout time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	cut := time.AfterFunc(timeout, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for r := range w.running {
			r.cut()
		}
	})
	defer cut.Stop()
	w.idle.Wait()
}
