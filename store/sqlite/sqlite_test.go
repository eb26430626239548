package sqlite_test

import (
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newPath returns the path of a file that does not exist yet.
func newPath(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "test.db")
}

// open opens a store and closes it when the test ends.
func open(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(context.Background(), path, opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

// openDB opens a database of the host on the file, without the store's pragmas,
// and closes it when the test ends.
func openDB(tb testing.TB, dataSource string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", dataSource)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	return db
}

// openInHostsDB opens a store in a database of the host that has the pragmas
// which the guarantees need.
func openInHostsDB(tb testing.TB, path string) *sqlite.Store {
	tb.Helper()
	db := openDB(tb, "file:"+path+
		"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
	s, err := sqlite.New(context.Background(), db)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s
}

func record(id string) carrierfsm.Record {
	now := time.Unix(1_900_000_000, 0).UTC()
	return carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Due: now, Created: now, Updated: now, Body: []byte(`{}`)}
}

func TestSQLiteKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		tb.Helper()
		path := newPath(tb)
		return fsmtest.StoreSubject{Store: open(tb, path), Reopen: func() (carrierfsm.Store, error) {
			return open(tb, copyAsAfterCrash(tb, path)), nil
		}}
	})
}

func TestSQLiteKeepsTheContractOfAnOutbox(t *testing.T) {
	t.Parallel()
	fsmtest.TestOutbox(t, func(tb testing.TB) fsmtest.OutboxSubject {
		tb.Helper()
		path := newPath(tb)
		return fsmtest.OutboxSubject{Store: open(tb, path), Reopen: func() (outbox.Store, error) {
			return open(tb, copyAsAfterCrash(tb, path)), nil
		}}
	})
}

func TestSQLiteKeepsTheContractOfFigures(t *testing.T) {
	t.Parallel()
	fsmtest.TestFigures(t, func(tb testing.TB) fsmtest.FiguresSubject {
		tb.Helper()
		path := newPath(tb)
		return fsmtest.FiguresSubject{Store: open(tb, path), Reopen: func() (fsmtest.FiguresStore, error) {
			return open(tb, copyAsAfterCrash(tb, path)), nil
		}}
	})
}

func TestSQLiteKeepsTheContractOfASurveyor(t *testing.T) {
	t.Parallel()
	fsmtest.TestSurveyor(t, func(tb testing.TB) fsmtest.SurveyorSubject {
		tb.Helper()
		return fsmtest.SurveyorSubject{Store: open(tb, newPath(tb))}
	})
}

func TestSQLiteKeepsTheContractsInTheHostsDatabase(t *testing.T) {
	t.Parallel()
	inHosts := func(tb testing.TB) *sqlite.Store { tb.Helper(); return openInHostsDB(tb, newPath(tb)) }
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		tb.Helper()
		return fsmtest.StoreSubject{Store: inHosts(tb)}
	})
	fsmtest.TestOutbox(t, func(tb testing.TB) fsmtest.OutboxSubject {
		tb.Helper()
		return fsmtest.OutboxSubject{Store: inHosts(tb)}
	})
	fsmtest.TestFigures(t, func(tb testing.TB) fsmtest.FiguresSubject {
		tb.Helper()
		return fsmtest.FiguresSubject{Store: inHosts(tb)}
	})
	fsmtest.TestSurveyor(t, func(tb testing.TB) fsmtest.SurveyorSubject {
		tb.Helper()
		return fsmtest.SurveyorSubject{Store: inHosts(tb)}
	})
}

// copyAsAfterCrash copies the file and its write-ahead log as kill -9 would leave
// them: without the checkpoint that Close makes.
func copyAsAfterCrash(tb testing.TB, path string) string {
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

func TestOpenSetsThePragmasOfADurableFile(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "secure_delete": "1"} {
		got, err := s.Pragma(context.Background(), pragma)
		require.NoError(t, err)
		require.Equal(t, want, got, pragma)
	}
	normal := open(t, newPath(t), sqlite.SynchronousNormal())
	got, err := normal.Pragma(context.Background(), "synchronous")
	require.NoError(t, err)
	require.Equal(t, "1", got)
}

func TestABadPathIsOneClearError(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ":memory:", t.TempDir(), filepath.Join(t.TempDir(), "no", "such", "folder.db")} {
		_, err := sqlite.Open(context.Background(), path)
		require.Error(t, err, path)
		require.NotContains(t, err.Error(), "\n", path)
	}
}

func TestAPathMayContainAnyCharacter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a ? b # c %20 测试.db")
	require.NoError(t, open(t, path).Create(context.Background(), record("v1")))
	_, err := os.Stat(path)
	require.NoError(t, err)
}
