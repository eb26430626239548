package sqlite_test

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a store that is closed with the test.
func open(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(context.Background(), path, opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		path := filepath.Join(tb.TempDir(), "test.db")
		return fsmtest.StoreSubject{Store: open(tb, path), Reopen: func() (carrierfsm.Store, error) {
			return open(tb, crashed(tb, path)), nil
		}}
	})
}

func TestSQLiteKeepsTheContractInTheHostsDatabase(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(tb.TempDir(), "host.db")+
			"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
		require.NoError(tb, err)
		tb.Cleanup(func() { require.NoError(tb, db.Close()) })
		s, err := sqlite.New(context.Background(), db)
		require.NoError(tb, err)
		return fsmtest.StoreSubject{Store: s}
	})
}

// crashed is the file as a kill -9 leaves it: with what is in the log, without
// the checkpoint that closing makes.
func crashed(tb testing.TB, path string) string {
	tb.Helper()
	copied := filepath.Join(tb.TempDir(), "crashed.db")
	for _, suffix := range []string{"", "-wal"} {
		copyFile(tb, path+suffix, copied+suffix)
	}
	return copied
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	in, err := os.Open(from)
	require.NoError(tb, err)
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	require.NoError(tb, err)
	_, err = io.Copy(out, in)
	require.NoError(tb, err)
	require.NoError(tb, out.Close())
}

func record(id string) carrierfsm.Record {
	now := time.Unix(1_900_000_000, 0).UTC()
	return carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Due: now, Created: now, Updated: now, Body: []byte(`{}`)}
}

// newerFile is a file that a newer version has changed so that at least that
// version is needed.
func newerFile(t *testing.T, least int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "test.db")
	require.NoError(t, open(t, path).Close())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO carrierfsm_schema (version, least) VALUES (999, ?)`, least)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return path
}

func TestAFileThatNeedsANewerVersionIsRefused(t *testing.T) {
	t.Parallel()
	_, err := sqlite.Open(context.Background(), newerFile(t, 999))
	require.ErrorIs(t, err, sqlite.ErrNewerSchema)
}

func TestAFileToWhichANewerVersionHasOnlyAddedGoesOnWorking(t *testing.T) {
	t.Parallel()
	require.NoError(t, open(t, newerFile(t, 2)).Create(context.Background(), record("v1")))
}

func TestAFileOfTheFirstVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	first, err := os.ReadFile("migrations/0001_verifications.sql")
	require.NoError(t, err)
	for _, statement := range []string{
		`CREATE TABLE carrierfsm_schema (version INTEGER NOT NULL PRIMARY KEY) WITHOUT ROWID`,
		string(first), `INSERT INTO carrierfsm_schema (version) VALUES (1)`,
	} {
		_, err = db.Exec(statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	s := open(t, path)
	require.NoError(t, s.Create(context.Background(), record("v1")))
	_, err = s.Lead(context.Background(), "reader", "one", time.Hour, carrierfsm.FromBeginning)
	require.NoError(t, err)
}

func TestSeveralMayOpenANewFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := sqlite.Open(context.Background(), path)
			if err == nil {
				err = s.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.NoError(t, open(t, path).Create(context.Background(), record("v1")))
}

func TestWhatOpenSetsIsDurable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "secure_delete": "1"} {
		got, err := s.Pragma(context.Background(), pragma)
		require.NoError(t, err)
		require.Equal(t, want, got, pragma)
	}
	normal := open(t, filepath.Join(t.TempDir(), "normal.db"), sqlite.SynchronousNormal())
	got, err := normal.Pragma(context.Background(), "synchronous")
	require.NoError(t, err)
	require.Equal(t, "1", got)
}

func TestAForeignWriterIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	_, err = conn.ExecContext(ctx, "CREATE TABLE of_the_host (n INTEGER); BEGIN IMMEDIATE")
	require.NoError(t, err)

	done := make(chan error, 1)
	go func() { done <- s.Create(ctx, record("v1")) }()
	_, err = conn.ExecContext(ctx, "INSERT INTO of_the_host VALUES (1); COMMIT")
	require.NoError(t, err)
	require.NoError(t, <-done)
	require.NoError(t, conn.Close())
}

func TestAForeignWriterThatStaysIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path, sqlite.BusyTimeout(10*time.Millisecond))
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	_, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	require.NoError(t, err)
	require.Error(t, s.Create(ctx, record("v1")))
	_, err = conn.ExecContext(ctx, "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, s.Create(ctx, record("v1")))
}

func TestAFullDiskIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "test.db"))
	ctx := context.Background()
	require.NoError(t, s.Create(ctx, record("v1")))
	_, err := s.Pragma(ctx, "max_page_count = 40")
	require.NoError(t, err)
	big := record("v2")
	big.Body = make([]byte, 1<<20)
	require.ErrorContains(t, s.Create(ctx, big), "full")
	_, err = s.Load(ctx, "v2")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
	r, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	_, err = s.Pragma(ctx, "max_page_count = 1000000")
	require.NoError(t, err)
	r.Version++
	require.NoError(t, s.Commit(ctx, r), "with room again, it goes on")
}

func TestAReadOnlyFileCanBeReadAndNothingElse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "test.db")
	require.NoError(t, open(t, path).Create(ctx, record("v1")))
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=query_only(1)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s, err := sqlite.New(ctx, db)
	require.NoError(t, err, "its tables are up to date")
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Load(ctx, "v1")
	require.NoError(t, err)
	require.ErrorContains(t, s.Create(ctx, record("v2")), "readonly")
}

func TestABadPathIsOneClearError(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ":memory:", t.TempDir(), filepath.Join(t.TempDir(), "no", "such", "folder.db")} {
		_, err := sqlite.Open(context.Background(), path)
		require.Error(t, err, path)
		require.NotContains(t, err.Error(), "\n", path)
	}
}

func TestAPathMayHoldAnyCharacters(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a ? b # c %20 测试.db")
	require.NoError(t, open(t, path).Create(context.Background(), record("v1")))
	_, err := os.Stat(path)
	require.NoError(t, err)
}

func TestErasedValuesLeaveTheFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := open(t, path)
	ctx := context.Background()
	r := record("v1")
	r.Body = []byte("personal-value-of-the-body")
	require.NoError(t, s.Create(ctx, r, carrierfsm.Entry{ID: "v1", Step: 1, Detail: []byte("personal-value-of-the-detail")}))
	r.Version, r.Body = 2, []byte("{}")
	require.NoError(t, s.Erase(ctx, r))
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NotContains(t, string(content), "personal-value", suffix)
	}
}
