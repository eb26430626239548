// Package postgres is a carrierfsm.Store in PostgreSQL 13 or later. It uses
// jackc/pgx. Any number of processes may share the database, and the host may have
// its own tables in it: the names of all tables, indexes and sequences of this
// package begin with carrierfsm_. They are in the first schema of the search path.
//
// Each write is one statement in a transaction of its own, except a write with a
// hook. A process with many concurrent writes puts them into one statement. The
// session holds no state, so all exec modes of pgx work, and so does a pooler
// like pgbouncer in transaction mode (if the pooler does not support prepared
// statements, set DefaultQueryExecMode to QueryExecModeExec or
// QueryExecModeSimpleProtocol; New then refuses sessions whose bytea_output or
// DateStyle pgx does not read). All connections must be to the primary; with several
// hosts in the DSN, the store finds it.
//
// A statement that writes does not end with its caller's context: the caller returns
// within 50 ms, and the server completes or rolls back the statement, never a part of it. No
// statement is cancelled on the server, because a commit that is cancelled there no
// longer waits for its standby. After such a write, or one whose wait for the standby
// somebody else has cancelled, the store commits something more before it reads the
// record, so that what it returns is on the standby too. The commit id in the record
// then shows whether the write took place.
//
// A write is as durable as the server's configuration makes it: the guarantees
// need fsync and synchronous_commit on, and a synchronous standby if a failover
// must not lose a write. Erased values remain in dead rows until these are
// vacuumed, and in the server's log files and backups.
package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/lifetime"
	"github.com/carrierfsm/carrierfsm/internal/ttlmap"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
)

var (
	_ carrierfsm.Store = (*Store)(nil)
	_ outbox.Outbox    = (*Store)(nil)
)

// Store keeps verifications in a PostgreSQL database. It is safe for
// concurrent use.
type Store struct {
	pool             *pgxpool.Pool // the store's own
	maxConns         int           // of pool
	timeout          time.Duration
	lateAnswer       time.Duration // this and the next two are the constants, except in tests
	drainedFor       time.Duration
	abandonedFor     time.Duration
	logger           *slog.Logger
	hook             Hook
	begin            string // begins a transaction of several statements
	fast             bool   // whether the fast path is used
	withoutMigrate   bool
	creates, commits *writer
	guard            string    // a condition that the shard has the epoch of this store; empty for none
	epoch            int64     // of the guard
	loadSQL          [2]string // of one record, and of several
	loads            *batch.Queue[*loading]

	queued *lifetime.Lifetime // of the calls in the queues
	writes statements         // that run
	waker  waker

	doubts       *doubts                    // about the writes of verifications
	ledgers      *ttlmap.Map[writtenLedger] // by the id of the record
	outboxWrites barrier                    // raised by a write of the outbox with an unknown outcome
	restarts     barrier                    // raised by the first connection after a restart of the server
	raised       int64                      // to which position New raised the sequence; 0 if it did not
	server       atomic.Pointer[string]
	pooled       atomic.Bool // whether connections are a pooler's
}

// Option changes how a store works.
type Option func(*Store)

// WithTimeout limits the time of each call, including the wait for a connection. In
// a transaction of several statements, the server also limits each statement, and
// the time between two statements, to it. Defaults to 10 s.
func WithTimeout(d time.Duration) Option { return func(s *Store) { s.timeout = d } }

// WithLogger sets where the store writes warnings. Defaults to
// nowhere.
func WithLogger(l *slog.Logger) Option { return func(s *Store) { s.logger = l } }

// Open is New with a connection string, whose format is that of pgxpool.ParseConfig.
func Open(ctx context.Context, dsn string, opts ...Option) (*Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil { // its text contains the string without the password
		return nil, wrap(err)
	}
	return New(ctx, config, opts...)
}

// New returns a store in the database of a configuration that pgxpool.ParseConfig
// or Pool.Config has returned. New changes a copy of it. It applies the migrations
// that the database lacks, as Migrate does, unless WithoutMigrate is set. It returns
// schema.ErrNewer for a database that needs a newer build, ErrUnusable for a server,
// a role or a session that the store can't work with, and otherwise the driver's
// error.
//
// The store has a pool of its own because its connections need settings that a
// host's other connections would not want.
func New(ctx context.Context, config *pgxpool.Config, opts ...Option) (s *Store, err error) {
	s = &Store{
		timeout: 10 * time.Second, lateAnswer: lateAnswer, drainedFor: drainedFor, abandonedFor: abandonedFor,
		logger: slog.New(slog.DiscardHandler), doubts: newDoubts(), ledgers: newLedgers(), queued: lifetime.New(),
	}
	for _, set := range opts {
		set(s)
	}
	if config == nil || s.timeout <= 0 || s.logger == nil {
		return nil, errors.New("carrierfsm/postgres: a configuration, a positive timeout and a logger are needed")
	}
	config = config.Copy()
	s.waker.store, s.waker.id = s, uuid.NewString()
	s.begin, s.fast = beginWithTimeouts(s.timeout), useFastPath(config)
	s.creates = s.newWriter(createSQL, createSQL, createSpendSQL)
	s.commits = s.newWriter(commitWithKeySQL, commitSQL, commitSpendSQL)
	s.loads, s.loadSQL = s.newLoadQueue(), [2]string{loadRecord, loadBatch}
	if s.pool, err = s.openPool(ctx, config); err != nil {
		return nil, wrap(err)
	}
	if err := s.setUp(ctx); err != nil {
		s.pool.Close()
		return nil, wrap(err)
	}
	return s, nil
}

// Close closes the store. Every call that is running or comes later returns
// carrierfsm.ErrClosed, or the result that it already has. Close waits for the
// statements that are running, at most for the store's timeout. It always returns
// nil, and may be called more than once.
func (s *Store) Close() error {
	_ = s.queued.Close(context.Background()) // each ends within the timeout
	s.creates.queue.Wait()
	s.commits.queue.Wait()
	s.loads.Wait()
	s.waker.all.Wait()
	s.writes.close(s.timeout)
	s.pool.Close()
	s.doubts.ids.Close()
	s.ledgers.Close()
	return nil
}
