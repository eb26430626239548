// Package postgres is a carrierfsm.Store in PostgreSQL, 13 or later, by
// jackc/pgx. Any number of processes may share the database, and the host's own
// tables may live in it: everything of this package is named carrierfsm_…, in
// the first schema of the search path.
//
// Every write but a hooked one is one statement in a transaction of its own. A
// process that writes much puts concurrent writes into one statement. Nothing
// is kept in the session, so all of pgx's exec modes serve, and a pooler like
// pgbouncer in transaction mode too (there, unless it knows prepared
// statements, with DefaultQueryExecMode set to QueryExecModeExec or
// QueryExecModeSimpleProtocol). Only give it connections to the primary.
//
// A context that ends while a statement is under way ends its connection, as
// pgx does it; a statement that is shared goes on for the others. Either way
// the server finishes it or undoes it, and nobody ever sees half of it; whether
// it took place the commit id tells. Nothing is cancelled on the server: there a
// cancelled commit would no longer wait for its standby.
//
// What was acknowledged is as durable as the server is told to be: the
// guarantees need fsync and synchronous_commit on, and a synchronous standby
// where a failover must not lose it. Erased values stay in dead rows until
// they are vacuumed, and in the server's log files and backups.
package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/group"
)

var (
	_ carrierfsm.Store  = (*Store)(nil)
	_ carrierfsm.Outbox = (*Store)(nil)
)

// Store keeps verifications in a PostgreSQL database. It is safe for
// concurrent use.
type Store struct {
	pool             *pgxpool.Pool
	timeout          time.Duration
	hook             Hook
	begin            string // of a transaction of several statements
	directly         bool   // whether what is done most goes to the server as bytes
	creates, commits *writer
	loads            *group.Queue[*loading]
}

// Option changes how a store works.
type Option func(*Store)

// WithTimeout bounds each write and each Load, the waiting for a connection included.
// Defaults to 10 s. Of a hooked
// write each statement, and each wait for the host between two, is bounded by
// it on the server too.
func WithTimeout(d time.Duration) Option { return func(s *Store) { s.timeout = d } }

// New makes a store of the host's pool and brings its tables up to date; of
// replicas that start together one does it. It returns ErrNewerSchema for a
// database of a newer version of this package, and the driver's error where
// the database can't be reached or the role may not create tables.
func New(ctx context.Context, pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	s := &Store{pool: pool, timeout: 10 * time.Second}
	for _, set := range opts {
		set(s)
	}
	if pool == nil || s.timeout <= 0 {
		return nil, errors.New("carrierfsm/postgres: a pool and a positive timeout are needed")
	}
	s.begin, s.directly = beginBounded(s.timeout), maySendDirectly(pool)
	s.creates = s.newWriter(createStatements, createStatements)
	s.commits = s.newWriter(keyedStatements, commitStatements)
	s.loads = s.newLoads()
	if err := s.migrate(ctx); err != nil {
		return nil, named(err)
	}
	return s, nil
}

// Close waits for shared statements whose callers have all stopped waiting. It does not close
// the pool; call it before closing that, when no other method is running.
func (s *Store) Close() error {
	s.creates.queue.Wait()
	s.commits.queue.Wait()
	s.loads.Wait()
	return nil
}
