package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// template is the database that NewDatabase copies, once Prepare has made it.
const template = "carrierfsm_template"

// Prepare makes the database that all later ones are copies of, and lets
// migrate fill it. Call it once, before NewDatabase.
func (c *Cluster) Prepare(migrate func(dsn string) error) error {
	if err := c.admin("CREATE DATABASE " + template); err != nil {
		return err
	}
	if err := migrate(c.DSN(template)); err != nil {
		return err
	}
	c.prepared.Store(true)
	return nil
}

// NewDatabase makes a fresh database, a copy of what Prepare made, and returns
// how it is reached. It is dropped with the test.
func (c *Cluster) NewDatabase(tb testing.TB) (dsn string) {
	tb.Helper()
	return c.newDatabase(tb, " TEMPLATE "+c.template())
}

// NewEmptyDatabase makes a fresh database that holds nothing. how, where not
// empty, is the rest of CREATE DATABASE.
func (c *Cluster) NewEmptyDatabase(tb testing.TB, how string) (dsn string) {
	tb.Helper()
	return c.newDatabase(tb, " TEMPLATE template0 "+how)
}

func (c *Cluster) newDatabase(tb testing.TB, how string) (dsn string) {
	tb.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), c.names.Add(1))
	if err := c.admin("CREATE DATABASE " + name + how); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return c.DSN(name)
}

// template is Prepare's database, or PostgreSQL's empty one without Prepare.
func (c *Cluster) template() string {
	if c.prepared.Load() {
		return template
	}
	return "template0"
}

// Pool opens a pool of at most size connections that is closed with the test.
func Pool(tb testing.TB, dsn string, size int32) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	config.MaxConns = size
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Shared is one cluster for all tests of a package, started by the first that
// asks for it. The zero value with Options set is ready for use.
type Shared struct {
	// Options are those of the cluster.
	Options Options
	// Migrate, where set, is what Prepare is called with.
	Migrate func(dsn string) error

	once    sync.Once
	cluster *Cluster
	err     error
}

// required is the environment's word that a missing PostgreSQL is a failure.
const required = "CARRIERFSM_POSTGRES"

// Cluster returns the cluster. Where PostgreSQL is not installed the test is
// skipped; with CARRIERFSM_POSTGRES=required it fails.
func (s *Shared) Cluster(tb testing.TB) *Cluster {
	tb.Helper()
	s.once.Do(s.start)
	switch {
	case errors.Is(s.err, ErrMissing) && os.Getenv(required) != "required":
		tb.Skip(s.err)
	case s.err != nil:
		tb.Fatal(s.err)
	}
	return s.cluster
}

func (s *Shared) start() {
	if s.cluster, s.err = Start(s.Options); s.err == nil && s.Migrate != nil {
		s.err = s.cluster.Prepare(s.Migrate)
	}
}

// Close closes the cluster if any test has started it. Call it at the end of
// TestMain.
func (s *Shared) Close() error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Close()
}
