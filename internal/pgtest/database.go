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

// template is the database that Prepare creates and NewDatabase copies.
const template = "carrierfsm_template"

// Prepare creates the template database, and calls migrate to fill it. Call it once,
// before NewDatabase.
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

// NewDatabase creates a copy of the template database and returns its connection
// string. The database is dropped when the test ends.
func (c *Cluster) NewDatabase(tb testing.TB) (dsn string) {
	tb.Helper()
	return c.newDatabase(tb, " TEMPLATE "+c.template())
}

// NewEmptyDatabase creates an empty database; options are appended to CREATE
// DATABASE.
func (c *Cluster) NewEmptyDatabase(tb testing.TB, options string) (dsn string) {
	tb.Helper()
	return c.newDatabase(tb, " TEMPLATE template0 "+options)
}

func (c *Cluster) newDatabase(tb testing.TB, options string) (dsn string) {
	tb.Helper()
	name := fmt.Sprintf("t%d_%d", os.Getpid(), c.databases.Add(1))
	if err := c.admin("CREATE DATABASE " + name + options); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			tb.Error(err)
		}
	})
	return c.DSN(name)
}

// template returns the database to copy: PostgreSQL's empty one without Prepare.
func (c *Cluster) template() string {
	if c.prepared.Load() {
		return template
	}
	return "template0"
}

// Pool opens a pool of at most size connections, which is closed when the test ends.
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

// Shared is one cluster for all tests of a package, started by the first test that
// uses it. The zero value is ready.
type Shared struct {
	Options Options
	// Migrate, if set, is passed to Prepare.
	Migrate func(dsn string) error

	once    sync.Once
	cluster *Cluster
	err     error
}

// requiredVariable is the environment variable that makes a missing PostgreSQL a
// failure.
const requiredVariable = "CARRIERFSM_POSTGRES"

// Cluster returns the cluster. If PostgreSQL is not installed, the test is skipped;
// with CARRIERFSM_POSTGRES=required it fails.
func (s *Shared) Cluster(tb testing.TB) *Cluster {
	tb.Helper()
	s.once.Do(s.start)
	switch {
	case errors.Is(s.err, ErrMissing) && os.Getenv(requiredVariable) != "required":
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

// Close closes the cluster, if a test has started it. Call it at the end of TestMain.
func (s *Shared) Close() error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.Close()
}
