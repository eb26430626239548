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
// QueryExecModeSimpleProtocol). All connections must be to the primary.
//
// When a context ends while its statement is running, pgx closes the connection; a
// batch continues for the other callers. In both cases the server either completes
// or rolls back the statement, never a part of it; the commit id in the record
// shows which it was. No statement is cancelled on the server, because a
// commit that is cancelled there no longer waits for its standby.
//
// A write is as durable as the server's configuration makes it: the guarantees
// need fsync and synchronous_commit on, and a synchronous standby if a failover
// must not lose a write. Erased values remain in dead rows until these are
// vacuumed, and in the server's log files and backups.
package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
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
	pool             *pgxpool.Pool
	timeout          time.Duration
	hook             Hook
	begin            string // begins a transaction of several statements
	fast             bool   // whether the fast path is used
	creates, commits *writer
	loads            *batch.Queue[*loading]
}

// Option changes how a store works.
type Option func(*Store)

// WithTimeout limits the time of each write and each Load, including the wait for
// a connection. In a write with a hook, the server also limits each statement, and
// the time between two statements, to it. Defaults to 10 s.
func WithTimeout(d time.Duration) Option { return func(s *Store) { s.timeout = d } }

// New returns a store in the host's database and applies the migrations that it
// lacks; replicas that start together apply them only once. It returns
// ErrNewerSchema for a database that needs a newer version of this package, and the
// driver's error if the database can't be reached or the role may not create
// tables.
func New(ctx context.Context, pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	s := &Store{pool: pool, timeout: 10 * time.Second}
	for _, set := range opts {
		set(s)
	}
	if pool == nil || s.timeout <= 0 {
		return nil, errors.New("carrierfsm/postgres: a pool and a positive timeout are needed")
	}
	s.begin, s.fast = beginWithTimeouts(s.timeout), useFastPath(pool)
	s.creates = s.newWriter(createStatements, createStatements)
	s.commits = s.newWriter(commitWithKeyStatements, commitStatements)
	s.loads = s.newLoadQueue()
	if err := s.migrate(ctx); err != nil {
		return nil, wrap(err)
	}
	return s, nil
}

// Close waits for the batches that are running although their callers have
// returned. It does not close the pool. Call it before closing the pool, when no
// other method is running.
func (s *Store) Close() error {
	s.creates.queue.Wait()
	s.commits.queue.Wait()
	s.loads.Wait()
	return nil
}
