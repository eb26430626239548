package crashproof_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// database is the database of one round. On PostgreSQL it has its own server: rounds
// that run in parallel stop theirs at different times.
type database struct {
	kind, source string
	cluster      *pgtest.Cluster             // nil: there is no server of its own
	cut          func(context.Context) int64 // nil: there are no connections
	restart      func() error                // nil: there is no server
	keep         func(context.Context, string) error
	shards       *shards // nil: it is one store
}

func newDatabase(t *testing.T, p plan, folder string) *database {
	t.Helper()
	kind := p.store
	if kind == inSQLite {
		return &database{
			kind: kind, source: filepath.Join(folder, "store.db"),
			keep: func(context.Context, string) error { return nil }, // the file is in the folder
		}
	}
	if p.failover != nil {
		d := &database{kind: kind, source: p.failover.newDatabase(t)}
		d.keep = d.keepRows
		return d
	}
	if p.sharded {
		return newShardedDatabase(t, p)
	}
	options := pgtest.Options{}
	if p.hazard != nil {
		options = p.hazard.options
	}
	options.Durable = true
	cluster := pgtest.Shared{Options: options}
	c := cluster.Cluster(t)
	t.Cleanup(func() { require.NoError(t, cluster.Close()) })
	d := &database{kind: kind, source: c.NewEmptyDatabase(t, ""), cluster: c}
	own, err := pgxpool.ParseConfig(d.source)
	require.NoError(t, err)
	if p.hazard != nil && p.hazard.pooled {
		d.source = c.Pooler(t, connections)(own.ConnConfig.Database) + " default_query_exec_mode=exec"
	}
	admin, err := pgxpool.New(context.Background(), c.DSN("postgres"))
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	d.cut = func(ctx context.Context) (n int64) {
		const some = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1 AND random() < 0.3`
		_ = admin.QueryRow(ctx, some, own.ConnConfig.Database).Scan(&n) // the server may be stopped
		return n
	}
	d.restart = func() error { return errors.Join(c.StopImmediate(), c.Restart()) }
	d.keep = d.keepRows
	return d
}

// newShardedDatabase makes the databases of a sharded round.
func newShardedDatabase(t *testing.T, p plan) *database {
	t.Helper()
	d := &database{kind: p.store, shards: newShards(t, p.seed)}
	d.cut = d.shards.cut
	d.keep = d.keepRows
	return d
}

// keepRows writes the positions and transactions of all entries, the cursors and the
// parked rows into a file: they explain a step that a handler has missed.
func (d *database) keepRows(ctx context.Context, folder string) error {
	sources := []string{d.source}
	if d.shards != nil {
		sources = append(d.shards.sources(), d.shards.left)
	}
	var lines []string
	for _, source := range sources {
		list, err := rowsOf(ctx, source)
		if err != nil {
			return err
		}
		lines = append(lines, list...)
	}
	return os.WriteFile(filepath.Join(folder, "rows"), []byte(strings.Join(lines, "\n")), 0o600)
}

// rowsOf returns a line for each row; none of a database without a name.
func rowsOf(ctx context.Context, source string) ([]string, error) {
	if source == "" {
		return nil, nil
	}
	return ask(ctx, source, `SELECT format('%s %s %s %s %s %s %s', position, xmin, id, step, event, to_, at) FROM carrierfsm_history
		UNION ALL SELECT format('%s %s %s %s %s %s %s', xmin, id, version, step, state, in_flight, updated) FROM carrierfsm_verifications
		UNION ALL SELECT c::text FROM carrierfsm_cursors c UNION ALL SELECT p::text FROM carrierfsm_parked p`)
}

// addresses returns where the shards are now; none where it is one store.
func (d *database) addresses() []shardAddress {
	if d.shards == nil {
		return nil
	}
	return d.shards.at()
}

// open opens it in this process.
func (d *database) open(t *testing.T) outbox.Store {
	t.Helper()
	set := settings{Store: d.kind, Source: d.source, Shards: d.addresses()}
	s, done, err := set.open(context.Background())
	require.NoError(t, err)
	t.Cleanup(done)
	return s
}
