package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/schema"
)

func migrations(t *testing.T) schema.Migrations {
	t.Helper()
	list, err := schema.Read(postgres.Migrations)
	require.NoError(t, err)
	return list
}

// applyFiles applies the first n files in a new database as another program does.
func applyFiles(t *testing.T, n int) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Pool(t, cluster.Cluster(t).NewEmptyDatabase(t, ""), 8)
	for _, m := range migrations(t)[:n] {
		_, err := pool.Exec(context.Background(), m.SQL)
		require.NoError(t, err, m.File)
	}
	return pool
}

// tables returns what the tables, indexes and sequences are made of.
func tables(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(context.Background(), `
		SELECT concat(table_name, '.', column_name, ' ', data_type, udt_name, is_nullable, column_default, collation_name)
			FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT concat(relname, relkind, reloptions) FROM pg_class WHERE relnamespace = 'public'::regnamespace
		UNION ALL SELECT concat(sequencename, increment_by, cache_size) FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, list)
	return list
}

// psql applies a file as a role. whole makes it one transaction.
func psql(t *testing.T, config *pgxpool.Config, role, file string, whole bool) {
	t.Helper()
	program, err := exec.LookPath("psql")
	if err != nil {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/psql")
		require.NotEmpty(t, found, "psql is needed")
		program = found[0]
	}
	args := []string{"-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", config.ConnConfig.Host, "-U", role, "-d", config.ConnConfig.Database, "-f", file}
	if whole {
		args = append(args, "-1")
	}
	output, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", file, output)
}

// The files are exported to a folder, as a host does that hands them to those who may
// change tables.
func TestARoleThatMayNotChangeTablesWorksOnTheTablesThatPsqlMade(t *testing.T) {
	t.Parallel()
	for name, whole := range map[string]bool{"one transaction a file": true, "one a statement": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			pool := pgtest.Pool(t, cluster.Cluster(t).NewEmptyDatabase(t, ""), 2)
			suffix := map[bool]string{true: "_a", false: "_b"}[whole]
			owner, app := "owns_tables"+suffix, "uses_tables"+suffix
			as(t, pool, owner)
			config := as(t, pool, app)
			_, err := pool.Exec(ctx, `GRANT CREATE ON SCHEMA public TO `+owner+`;
				ALTER DEFAULT PRIVILEGES FOR ROLE `+owner+` GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO `+app+`;
				ALTER DEFAULT PRIVILEGES FOR ROLE `+owner+` GRANT SELECT, USAGE ON SEQUENCES TO `+app)
			require.NoError(t, err)
			_, err = postgres.New(ctx, config, postgres.WithoutMigrate())
			require.ErrorIs(t, err, schema.ErrOlder)
			require.ErrorContains(t, err, fmt.Sprintf("they have version 0, this build needs %d: run postgres.Migrate with a role that may change the tables, or apply 0001_verifications.sql, ", len(migrations(t))))

			folder := filepath.Join(t.TempDir(), "migrations")
			require.NoError(t, os.CopyFS(folder, postgres.Migrations))
			for _, m := range migrations(t) {
				psql(t, config, owner, filepath.Join(folder, m.File), whole)
			}
			require.Empty(t, cmp.Diff(tables(t, applyFiles(t, len(migrations(t)))), tables(t, pool)))
			require.NoError(t, postgres.Migrate(ctx, config), "nothing is left to do")
			for _, opts := range [][]postgres.Option{{postgres.WithoutMigrate()}, nil} {
				s, err := postgres.New(ctx, config, opts...)
				require.NoError(t, err)
				id := map[bool]string{true: "v1", false: "v2"}[opts == nil]
				p := nextCommit(createRecord(t, s, id))
				require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
				_, err = s.Acquire(ctx, "notify", id, time.Nanosecond, outbox.FromBeginning)
				require.NoError(t, err)
				require.NoError(t, s.CheckSchema(ctx))
				require.NoError(t, s.Close())
			}
		})
	}
}

func TestADatabaseOfEachOlderVersionIsUpgraded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	newest := tables(t, applyFiles(t, len(migrations(t))))
	for n := range migrations(t) {
		pool := applyFiles(t, n)
		_, err := postgres.New(ctx, pool.Config(), postgres.WithoutMigrate())
		require.ErrorIs(t, err, schema.ErrOlder, "version %d", n)
		require.ErrorContains(t, err, "apply "+migrations(t)[n].File, "version %d", n)
		require.NoError(t, postgres.Migrate(ctx, pool.Config()))
		s, _ := openOn(t, pool, postgres.WithoutMigrate())
		createRecord(t, s, "v1")
		require.Empty(t, cmp.Diff(newest, tables(t, pool)), "version %d", n)
	}
}

// version2.sql was written by a real build of that version.
func TestRowsOfTheSecondVersionAreReadAfterTheUpgrade(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dump, err := os.ReadFile("testdata/version2.sql")
	require.NoError(t, err)
	pool := applyFiles(t, 0)
	_, err = pool.Exec(ctx, string(dump))
	require.NoError(t, err)
	s, _ := openOn(t, pool)
	require.ElementsMatch(t, tables(t, applyFiles(t, len(migrations(t)))), tables(t, pool))
	r, err := s.Load(ctx, "v2")
	require.NoError(t, err)
	require.Equal(t, "body of v2", string(r.Body))
	history, err := s.History(ctx, "v2", 0, 10)
	require.NoError(t, err)
	require.Len(t, history, 1)
	require.Equal(t, "detail of v2", string(history[0].Detail))
	l, err := s.Acquire(ctx, "notify", "new", time.Hour, outbox.FromBeginning)
	require.NoError(t, err)
	b, err := s.Pending(ctx, l, 10)
	require.NoError(t, err)
	require.Len(t, b.Entries, 1, "the handler has passed the first entry")
	require.Equal(t, "v2", b.Entries[0].ID)
	parked, err := s.Parked(ctx, outbox.ParkedQuery{})
	require.NoError(t, err)
	require.Len(t, parked, 1)
	p := nextCommit(r)
	require.NoError(t, s.Commit(ctx, p.Record, p.Entries...))
}

func TestVersionsSaysWhichMigrationsADatabaseHas(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := applyFiles(t, 2)
	list, err := postgres.Versions(ctx, pool.Config())
	require.NoError(t, err)
	require.Len(t, list, len(migrations(t)))
	require.Empty(t, cmp.Diff([]schema.Version{
		{Number: 1, File: "0001_verifications.sql", Applied: true},
		{Number: 2, File: "0002_outbox.sql", Applied: true},
		{Number: 3, File: "0003_applied.sql"},
		{Number: 4, File: "0004_ledgers.sql"},
		{Number: 5, File: "0005_acts.sql"},
		{Number: 6, File: "0006_figures.sql"},
		{Number: 7, File: "0007_shards.sql"},
	}, list))
	config := pool.Config()
	require.NoError(t, postgres.Migrate(ctx, config))
	list, err = postgres.Versions(ctx, config)
	require.Nil(t, config.AfterConnect, "the configuration is the host's")
	require.NoError(t, err)
	require.Len(t, list, len(migrations(t)))
	require.True(t, list[1].Applied && list[1].At.IsZero(), "the time is noted from version 3 on")
	require.True(t, list[2].Applied)
	require.WithinDuration(t, time.Now(), list[2].At, time.Hour)
	list, err = postgres.Versions(ctx, applyFiles(t, 0).Config())
	require.NoError(t, err)
	require.False(t, list[0].Applied)
	_, err = postgres.Versions(ctx, nil)
	require.Error(t, err)
	require.Error(t, postgres.Migrate(ctx, nil))
}

func TestMigrateAndReplicasMayRunAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := applyFiles(t, 2)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := postgres.Migrate(ctx, pool.Config()); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			s, err := postgres.New(ctx, pool.Config())
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	all.Wait()
	var n int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM carrierfsm_schema`).Scan(&n))
	require.Equal(t, len(migrations(t)), n)
}

func TestEveryExecModeMigrates(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		config := applyFiles(t, 0).Config()
		config.ConnConfig.DefaultQueryExecMode = mode
		require.NoError(t, postgres.Migrate(ctx, config), "%v", mode)
		list, err := postgres.Versions(ctx, config)
		require.NoError(t, err, "%v", mode)
		require.True(t, list[2].Applied, "%v", mode)
		require.WithinDuration(t, time.Now(), list[2].At, time.Hour, "%v", mode)
	}
}

func TestAMigrationThatFailsIsUndone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	pool := applyFiles(t, 0)
	_, err := pool.Exec(ctx, `CREATE TABLE carrierfsm_parked (host text)`)
	require.NoError(t, err)
	require.ErrorContains(t, postgres.Migrate(ctx, pool.Config()), "carrierfsm/postgres: 0002_outbox.sql: ")
	var n int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM pg_class WHERE relname LIKE 'carrierfsm%'`).Scan(&n))
	require.Equal(t, 1, n)
	_, err = pool.Exec(ctx, `DROP TABLE carrierfsm_parked`)
	require.NoError(t, err)
	require.NoError(t, postgres.Migrate(ctx, pool.Config()))
}

func TestAStoreThatIsOpenKnowsWhetherItsTablesAreStillRight(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := open(t)
	require.NoError(t, s.CheckSchema(ctx))
	_, err := pool.Exec(ctx, `INSERT INTO carrierfsm_schema (version, least) VALUES (998, 1)`)
	require.NoError(t, err)
	require.NoError(t, s.CheckSchema(ctx), "the newer version has only added something")
	_, err = pool.Exec(ctx, `INSERT INTO carrierfsm_schema (version, least) VALUES (999, 999)`)
	require.NoError(t, err)
	require.ErrorIs(t, s.CheckSchema(ctx), schema.ErrNewer)
	_, err = pool.Exec(ctx, `DELETE FROM carrierfsm_schema WHERE version > 2`)
	require.NoError(t, err)
	require.ErrorIs(t, s.CheckSchema(ctx), schema.ErrOlder)
	other, err := postgres.New(ctx, pgtest.Pool(t, cluster.Cluster(t).NewDatabase(t), 1).Config())
	require.NoError(t, err)
	require.NoError(t, other.Close())
	require.ErrorIs(t, other.CheckSchema(ctx), carrierfsm.ErrClosed)
}

func TestARoleThatMayNotReadTheVersionLearnsWhatToGrant(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, pool := open(t)
	_, err := postgres.New(ctx, as(t, pool, "may_not_read"))
	require.ErrorIs(t, err, postgres.ErrUnusable)
	require.ErrorContains(t, err, "GRANT SELECT ON TABLE carrierfsm_schema TO may_not_read")
}
