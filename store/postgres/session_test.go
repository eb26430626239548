package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// as returns the configuration of a role that the test creates. The role may connect
// and nothing else.
func as(t *testing.T, pool *pgxpool.Pool, role string) *pgxpool.Config {
	t.Helper()
	ctx := context.Background()
	_, err := pool.Exec(ctx, `CREATE ROLE `+role+` LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := pool.Exec(ctx, `DROP OWNED BY `+role+`; DROP ROLE `+role)
		require.NoError(t, err)
	})
	config := pool.Config()
	config.ConnConfig.User = role
	return config
}

func TestARoleWithoutTheRightToCreateTablesLearnsWhatToDo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := pgtest.Pool(t, cluster.Cluster(t).NewEmptyDatabase(t, ""), 2)
	config := as(t, pool, "may_not_create")
	_, err := postgres.New(ctx, config)
	require.ErrorIs(t, err, postgres.ErrUnusable)
	require.ErrorContains(t, err, "the role may not create or change the tables: call postgres.Migrate")
}

func TestARoleNeedsNoMoreThanTheRightToUseTheTables(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, pool := open(t)
	config := as(t, pool, "may_use")
	_, err := pool.Exec(ctx, `GRANT SELECT ON carrierfsm_schema TO may_use`)
	require.NoError(t, err)
	_, err = postgres.New(ctx, config)
	require.ErrorIs(t, err, postgres.ErrUnusable)
	require.ErrorContains(t, err, "GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE carrierfsm_verifications TO may_use; GRANT")
	_, err = pool.Exec(ctx, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO may_use`)
	require.NoError(t, err)
	_, err = postgres.New(ctx, config)
	require.ErrorContains(t, err, ": GRANT SELECT, USAGE ON SEQUENCE carrierfsm_position TO may_use")
	_, err = pool.Exec(ctx, `GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO may_use`)
	require.NoError(t, err)
	s, err := postgres.New(ctx, config)
	require.NoError(t, err)
	p := nextCommit(createRecord(t, s, "v1"))
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
	require.NoError(t, s.Close())
}

// A role with rights of its own to each table lacks those to a table that a migration adds.
func TestARoleThatLacksTheRightsToOneTableIsRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, pool := open(t)
	config := as(t, pool, "lacks_one")
	_, err := pool.Exec(ctx, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lacks_one;
		GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO lacks_one`)
	require.NoError(t, err)
	names, err := pool.Query(ctx, `SELECT tablename FROM pg_tables WHERE tablename LIKE 'carrierfsm\_%' AND tablename NOT IN ('carrierfsm_schema', 'carrierfsm_shard')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(names, pgx.RowTo[string])
	require.NoError(t, err)
	require.Subset(t, tables, []string{"carrierfsm_ledgers", "carrierfsm_acts", "carrierfsm_figures"})
	for _, table := range tables {
		_, err := pool.Exec(ctx, `REVOKE UPDATE ON `+table+` FROM lacks_one`)
		require.NoError(t, err)
		_, err = postgres.New(ctx, config, postgres.WithoutMigrate())
		require.ErrorIs(t, err, postgres.ErrUnusable, table)
		require.ErrorContains(t, err, ": GRANT UPDATE ON TABLE "+table+" TO lacks_one")
		_, err = pool.Exec(ctx, `GRANT UPDATE ON `+table+` TO lacks_one`)
		require.NoError(t, err)
	}
}

// Decoding a session's text would fail with the first record that is read.
func TestASessionThatCantBeUsedIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		setting, value string
		mode           pgx.QueryExecMode
		want           string // or works
	}{
		"read-only":                {"default_transaction_read_only", "on", pgx.QueryExecModeCacheStatement, "set default_transaction_read_only to off"},
		"escape, exec":             {"bytea_output", "escape", pgx.QueryExecModeExec, "bytea_output is escape; set it to hex"},
		"escape, simple protocol":  {"bytea_output", "escape", pgx.QueryExecModeSimpleProtocol, "bytea_output is escape; set it to hex"},
		"escape, binary results":   {"bytea_output", "escape", pgx.QueryExecModeCacheStatement, ""},
		"German, exec":             {"datestyle", "German", pgx.QueryExecModeExec, "DateStyle is German, DMY; set it to ISO"},
		"German, simple protocol":  {"datestyle", "German", pgx.QueryExecModeSimpleProtocol, "DateStyle is German, DMY; set it to ISO"},
		"German, binary results":   {"datestyle", "German", pgx.QueryExecModeCacheDescribe, ""},
		"ISO, DMY, exec":           {"datestyle", "ISO, DMY", pgx.QueryExecModeExec, ""},
		"other intervals, exec":    {"intervalstyle", "sql_standard", pgx.QueryExecModeExec, ""},
		"few digits, exec":         {"extra_float_digits", "-15", pgx.QueryExecModeExec, ""},
		"SQL strings, simple":      {"standard_conforming_strings", "on", pgx.QueryExecModeSimpleProtocol, ""},
		"another time zone, exec":  {"timezone", "America/St_Johns", pgx.QueryExecModeExec, ""},
		"another encoding, simple": {"client_encoding", "UTF8", pgx.QueryExecModeSimpleProtocol, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			config := pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 2).Config()
			config.ConnConfig.DefaultQueryExecMode = c.mode
			config.ConnConfig.RuntimeParams[c.setting] = c.value
			s, err := postgres.New(ctx, config)
			if c.want != "" {
				require.ErrorIs(t, err, postgres.ErrUnusable)
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			want := createRecord(t, s, "v1")
			got, err := s.Load(ctx, "v1")
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.NoError(t, s.Close())
		})
	}
}

// After a failover the old primary may come back as a standby, under connections
// that stayed open.
func TestAConnectionThatBecameReadOnlyIsClosed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var readOnly atomic.Bool
	s, _ := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
		config.MaxConns = 1
		config.PrepareConn = func(ctx context.Context, c *pgx.Conn) (bool, error) {
			if !readOnly.Swap(false) {
				return true, nil
			}
			_, err := c.Exec(ctx, `SET default_transaction_read_only = on`)
			return true, err
		}
	}))
	p := nextCommit(createRecord(t, s, "v1"))
	for name, write := range map[string]func() error{
		"Create":  func() error { return s.Create(ctx, record("v2")) },
		"Commit":  func() error { return s.Commit(ctx, p.Record, p.Entries...) },
		"Acquire": func() error { _, err := s.Acquire(ctx, "handler", "owner", time.Hour, outbox.FromNow); return err },
	} {
		readOnly.Store(true)
		require.NoError(t, write(), name)
		require.False(t, readOnly.Load(), "the connection was used")
	}
}

func TestADSNWithSeveralHostsShouldHaveAConnectTimeout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more string
		want bool
	}{"without": {"", true}, "with": {" connect_timeout=3", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			dsn := cluster.Cluster(t).NewDatabase(t)
			config, err := pgxpool.ParseConfig(dsn + " host=/nowhere," + hostOf(t, dsn) + c.more)
			require.NoError(t, err)
			s, err := postgres.New(context.Background(), config, postgres.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			require.NoError(t, err)
			require.NoError(t, s.Close())
			require.Equal(t, c.want, bytes.Contains(log.Bytes(), []byte("no connect_timeout")), log.String())
		})
	}
}

func hostOf(t *testing.T, dsn string) string {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	return config.ConnConfig.Host
}
