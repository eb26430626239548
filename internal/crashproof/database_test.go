package crashproof_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// cluster is a PostgreSQL of our own, with fsync on.
var cluster = pgtest.Shared{Options: pgtest.Options{Durable: true}}

// database is a round's own.
type database struct {
	kind, source string
	cut          func(context.Context) int64 // nil where there are no connections
	restart      func() error                // nil where there is no server
}

func newDatabase(t *testing.T, kind, folder string) *database {
	t.Helper()
	if kind == inSQLite {
		return &database{kind: kind, source: filepath.Join(folder, "store.db")}
	}
	c := cluster.Cluster(t)
	d := &database{kind: kind, source: c.NewEmptyDatabase(t, "")}
	own, err := pgxpool.ParseConfig(d.source)
	require.NoError(t, err)
	admin, err := pgxpool.New(context.Background(), c.DSN("postgres"))
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	d.cut = func(ctx context.Context) (n int64) {
		const some = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND random() < 0.3`
		_ = admin.QueryRow(ctx, some, own.ConnConfig.Database).Scan(&n) // the server may be away
		return n
	}
	d.restart = func() error { return errors.Join(c.StopImmediate(), c.Restart()) }
	return d
}

// open opens it for this process.
func (d *database) open(t *testing.T) carrierfsm.Store {
	t.Helper()
	s, done, err := openStore(context.Background(), d.kind, d.source, "")
	require.NoError(t, err)
	t.Cleanup(done)
	return s
}
