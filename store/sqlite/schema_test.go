package sqlite_test

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// applyFiles applies the first n files as another program does, and returns the
// file's path.
func applyFiles(t *testing.T, n int) (path string) {
	t.Helper()
	path = newPath(t)
	require.NoError(t, os.WriteFile(path, nil, 0o600)) // an empty database
	db := openDB(t, path)
	for _, m := range migrations(t)[:n] {
		_, err := db.Exec(m.SQL)
		require.NoError(t, err, m.File)
	}
	require.NoError(t, db.Close())
	return path
}

func migrations(t *testing.T) schema.Migrations {
	t.Helper()
	list, err := schema.Read(sqlite.Migrations)
	require.NoError(t, err)
	return list
}

// tables returns what the tables and indexes are made of.
func tables(t *testing.T, path string) (list []string) {
	t.Helper()
	db := openDB(t, path)
	rows, err := db.Query(`SELECT concat(t.name, '.', c.name, ' ', c.type, c."notnull", c.dflt_value, c.pk)
			FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name LIKE 'carrierfsm%'
		UNION ALL SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1`)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		list = append(list, line)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, list)
	return list
}

func TestFilesThatAnotherProgramAppliesMakeAFileThatOpenAccepts(t *testing.T) {
	t.Parallel()
	path := applyFiles(t, len(migrations(t)))
	s := open(t, path, sqlite.WithoutMigrate())
	require.NoError(t, s.Create(context.Background(), record("v1")))
	other := newPath(t)
	require.NoError(t, sqlite.Migrate(context.Background(), other))
	require.Empty(t, cmp.Diff(tables(t, other), tables(t, path)))
}

func TestAFileOfEachOlderVersionIsUpgraded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	newest := tables(t, applyFiles(t, len(migrations(t))))
	for n := range migrations(t) {
		path := applyFiles(t, n)
		_, err := sqlite.Open(ctx, path, sqlite.WithoutMigrate())
		require.ErrorIs(t, err, schema.ErrOlder, "version %d", n)
		require.ErrorContains(t, err, "run sqlite.Migrate", "version %d", n)
		require.ErrorContains(t, err, "apply "+migrations(t)[n].File, "version %d", n)
		s := open(t, path)
		require.NoError(t, s.Create(ctx, record("v1")))
		require.Empty(t, cmp.Diff(newest, tables(t, path)), "version %d", n)
	}
}

// version2.sql was written by a real build of that version.
func TestRowsOfTheSecondVersionAreReadAfterTheUpgrade(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dump, err := os.ReadFile("testdata/version2.sql")
	require.NoError(t, err)
	path := newPath(t)
	db := openDB(t, path)
	_, err = db.Exec(string(dump))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.NoError(t, sqlite.Migrate(ctx, path))
	require.Empty(t, cmp.Diff(tables(t, applyFiles(t, len(migrations(t)))), tables(t, path)))

	s := open(t, path, sqlite.WithoutMigrate())
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
}

func TestVersionsSaysWhichMigrationsAFileHas(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := applyFiles(t, 2)
	require.NoError(t, sqlite.Migrate(ctx, path))
	list, err := sqlite.Versions(ctx, path)
	require.NoError(t, err)
	require.Len(t, list, len(migrations(t)))
	for i, v := range list {
		require.Equal(t, i+1, v.Number)
		require.True(t, v.Applied)
		require.Equal(t, i < 2, v.At.IsZero(), "the time is noted from version 3 on")
	}
	require.WithinDuration(t, time.Now(), list[2].At, time.Hour)
	list, err = sqlite.Versions(ctx, applyFiles(t, 0))
	require.NoError(t, err)
	require.False(t, list[0].Applied)
}

func TestAFileThatIsMissingIsNotCreatedByAStoreThatDoesNotMigrate(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	_, err := sqlite.Open(ctx, path, sqlite.WithoutMigrate())
	require.ErrorIs(t, err, schema.ErrOlder)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "sqlite.Migrate creates the file")
	_, err = sqlite.Versions(ctx, path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, path)
	require.Error(t, sqlite.Migrate(ctx, ""))
	require.Error(t, sqlite.Migrate(ctx, filepath.Join(t.TempDir(), "missing", "test.db")))
}

func TestMigrateCreatesTheFileForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it has no modes")
	}
	path := newPath(t)
	require.NoError(t, sqlite.Migrate(context.Background(), path))
	require.Equal(t, fs.FileMode(0o600), modeOf(t, path))
}

func TestAMigrationThatFailsIsUndone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	db := openDB(t, path)
	_, err := db.Exec(`CREATE TABLE carrierfsm_parked (host TEXT)`)
	require.NoError(t, err)
	err = sqlite.Migrate(ctx, path)
	require.ErrorContains(t, err, "carrierfsm/sqlite: 0002_outbox.sql: ")
	require.NotContains(t, err.Error()[len("carrierfsm/sqlite: "):], "carrierfsm/sqlite: ")
	var n int
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM sqlite_master WHERE type = 'table'`).Scan(&n))
	require.Equal(t, 1, n)
	_, err = db.Exec(`DROP TABLE carrierfsm_parked`)
	require.NoError(t, err)
	require.NoError(t, sqlite.Migrate(ctx, path))
}

// The host's connections begin transactions without a write lock.
func TestAFileCanBeMigratedThroughTheHostsDatabaseByManyAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	stores := make([]*sqlite.Store, 4)
	databases := make([]*sql.DB, len(stores))
	for i := range databases {
		databases[i] = openDB(t, "file:"+path+"?_pragma=journal_mode(WAL)")
	}
	var all sync.WaitGroup
	for i := range stores {
		all.Go(func() {
			var err error
			if stores[i], err = sqlite.New(ctx, databases[i]); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := sqlite.Migrate(ctx, path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, s := range stores {
		require.NoError(t, s.CheckSchema(ctx))
		require.NoError(t, s.Close())
	}
}

func TestAStoreThatIsOpenKnowsWhetherItsTablesAreStillRight(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	require.NoError(t, s.CheckSchema(ctx))
	db := openDB(t, path)
	_, err := db.Exec(`INSERT INTO carrierfsm_schema (version, least) VALUES (998, 1)`)
	require.NoError(t, err)
	require.NoError(t, s.CheckSchema(ctx), "the newer version has only added something")
	_, err = db.Exec(`INSERT INTO carrierfsm_schema (version, least) VALUES (999, 999)`)
	require.NoError(t, err)
	require.ErrorIs(t, s.CheckSchema(ctx), schema.ErrNewer)
	_, err = db.Exec(`DELETE FROM carrierfsm_schema WHERE version > 2`)
	require.NoError(t, err)
	require.ErrorIs(t, s.CheckSchema(ctx), schema.ErrOlder)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.CheckSchema(ctx), carrierfsm.ErrClosed)
}

func TestMachineAndDispatcherAreNotReadyOnTablesOfAnotherBuild(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	store := open(t, path)
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err)
	d, err := outbox.New(m, store, outbox.Config{Handlers: map[string]outbox.Handler{"count": func(context.Context, carrierfsm.Transition) error { return nil }}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = m.Run(ctx) })
	running.Go(func() { _ = d.Run(ctx) })
	defer running.Wait()
	defer stop()
	ready := map[string]func(context.Context) error{"machine": m.Ready, "dispatcher": d.Ready}
	for name := range ready {
		require.Eventually(t, func() bool { return ready[name](ctx) == nil }, time.Minute, time.Millisecond, name)
	}
	_, err = openDB(t, path).Exec(`DELETE FROM carrierfsm_schema WHERE version > 2`)
	require.NoError(t, err)
	for name := range ready {
		err = ready[name](ctx)
		require.ErrorIs(t, err, carrierfsm.ErrStore, name)
		require.ErrorIs(t, err, schema.ErrOlder, name)
	}
	_, err = openDB(t, path).Exec(`INSERT INTO carrierfsm_schema (version, least) VALUES (999, 999)`)
	require.NoError(t, err)
	for name := range ready {
		require.ErrorIs(t, ready[name](ctx), schema.ErrNewer, name)
	}
}
