package crashproof_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// database is a round's own, with a server of its own where it needs one:
// rounds that run side by side stop theirs at different times.
type database struct {
	kind, source string
	cut          func(context.Context) int64 // nil where there are no connections
	restart      func() error                // nil where there is no server
	keep         func(context.Context, string) error
}

func newDatabase(t *testing.T, kind, folder string) *database {
	t.Helper()
	if kind == inSQLite {
		return &database{
			kind: kind, source: filepath.Join(folder, "store.db"),
			keep: func(context.Context, string) error { return nil }, // it is in the folder
		}
	}
	cluster := pgtest.Shared{Options: pgtest.Options{Durable: true}}
	c := cluster.Cluster(t)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
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
	d.keep = d.keepRows
	return d
}

// keepRows writes into a file what tells how a handler came to miss something:
// the places of all entries with the transactions that drew them, and the cursor.
func (d *database) keepRows(ctx context.Context, folder string) error {
	pool, err := pgxpool.New(ctx, d.source)
	if err != nil {
		return err
	}
	defer pool.Close()
	rows, err := pool.Query(ctx, `SELECT format('%s %s %s %s %s', position, xmin, id, step, at) FROM carrierfsm_history
		UNION ALL SELECT c::text FROM carrierfsm_cursors c UNION ALL SELECT p::text FROM carrierfsm_parked p`)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "rows"), []byte(strings.Join(lines, "\n")), 0o600)
}

// open opens it for this process.
func (d *database) open(t *testing.T) carrierfsm.Store {
	t.Helper()
	s, done, err := openStore(context.Background(), d.kind, d.source, "")
	require.NoError(t, err)
	t.Cleanup(done)
	return s
}
