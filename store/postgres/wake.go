package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/carrierfsm/carrierfsm"
)

const (
	// wakeInterval is the time between two wake-ups that one process sends.
	wakeInterval = 10 * time.Millisecond
	// wakeTimeout bounds sending a wake-up.
	wakeTimeout = time.Second
	// watchPing is how long Watch waits before it checks that its server is there.
	watchPing = 30 * time.Second
)

// notifySQL wakes the other processes. Nothing depends on it, so it does not wait for
// the disk or a standby. The commits do not contain it: PostgreSQL lets transactions
// with a NOTIFY commit one at a time.
const notifySQL = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('carrierfsm', $1)`

// waker wakes the Watch of other stores on the database after commits.
type waker struct {
	store            *Store
	id               string // of the store: its own wake-ups are ignored
	pending, running atomic.Bool
	all              sync.WaitGroup
}

// wake sends a wake-up soon. It does not block.
func (w *waker) wake() {
	w.pending.Store(true)
	if !w.running.Load() && w.running.CompareAndSwap(false, true) {
		w.all.Go(w.run)
	}
}

// run sends wake-ups as long as there are commits.
func (w *waker) run() {
	for w.pending.Swap(false) {
		ctx, cancel := context.WithTimeout(context.Background(), wakeTimeout)
		_, err := runWrite(ctx, w.store, func(ctx context.Context, c *pgx.Conn) (struct{}, error) {
			_, err := c.Exec(ctx, notifySQL, w.id)
			return struct{}{}, err
		})
		cancel()
		if err != nil {
			w.store.logger.Debug("other processes were not woken", "err", err)
		}
		select {
		case <-time.After(wakeInterval):
		case <-w.store.queued.Closing():
		}
	}
	w.running.Store(false)
	if w.pending.Load() && w.running.CompareAndSwap(false, true) {
		w.run()
	}
}

// Watch calls committed after commits by other stores on this database, at most once in
// some milliseconds for each of them. It has a connection of its own, which listens to the
// channel carrierfsm. A wake-up can be lost, and behind a pooler in transaction mode none
// comes: it spares waiting for the next poll, no more.
// Watch returns when ctx ends, carrierfsm.ErrClosed after Close, or when it has lost
// its connection, the driver's error.
func (s *Store) Watch(ctx context.Context, committed func()) error {
	if !s.queued.Enter() {
		return carrierfsm.ErrClosed
	}
	defer s.queued.Leave()
	watching, stop := s.queued.Until(ctx)
	defer stop()
	err := s.watch(watching, committed)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.queued.Closed():
		return carrierfsm.ErrClosed
	default:
		return wrap(err)
	}
}

func (s *Store) watch(ctx context.Context, committed func()) error {
	conn, err := s.connectAside(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	if _, err := conn.Exec(ctx, "LISTEN carrierfsm"); err != nil {
		return err
	}
	committed() // for commits before the LISTEN
	for {
		from, err := waitForNotification(ctx, conn)
		switch {
		case err == nil && from == s.waker.id:
		case err == nil:
			committed()
		case ctx.Err() == nil && pgconn.Timeout(err):
			err = ping(ctx, conn)
		}
		if err != nil {
			return err
		}
	}
}

func waitForNotification(ctx context.Context, conn *pgx.Conn) (from string, err error) {
	ctx, cancel := context.WithTimeout(ctx, watchPing)
	defer cancel()
	n, err := conn.WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return n.Payload, nil
}

func ping(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return conn.Ping(ctx)
}

// connectAside returns a connection that is not in the pool.
func (s *Store) connectAside(ctx context.Context) (*pgx.Conn, error) {
	config := s.pool.Config()
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, config.ConnConfig); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, config.ConnConfig)
}
