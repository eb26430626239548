package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	driver "modernc.org/sqlite"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

func TestTheFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it has no modes")
	}
	path := newPath(t)
	s := open(t, path)
	require.NoError(t, s.Create(context.Background(), record("v1")))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.Equal(t, fs.FileMode(0o600), modeOf(t, path+suffix), suffix)
	}

	chosen := newPath(t) // by the host, for a group that makes backups
	require.NoError(t, os.WriteFile(chosen, nil, 0o640))
	require.NoError(t, os.Chmod(chosen, 0o640))
	require.NoError(t, open(t, chosen).Create(context.Background(), record("v1")))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.Equal(t, fs.FileMode(0o640), modeOf(t, chosen+suffix), "a file that exists keeps its mode")
	}
}

// SQLite opens such a file for reads without an error. Each commit would fail then.
func TestADatabaseThatCantBeWrittenIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	require.NoError(t, open(t, path).Close())
	for rule, query := range map[string]string{"mode=ro": "?mode=ro", "query_only": "?_pragma=query_only(1)"} {
		db, err := sql.Open("sqlite", "file:"+path+query)
		require.NoError(t, err)
		_, err = sqlite.New(ctx, db)
		require.ErrorContains(t, err, "the database is read-only; the file and its folder must be writable", rule)
		require.Equal(t, 1, strings.Count(err.Error(), "carrierfsm/sqlite: "), err)
		require.NoError(t, db.Close())
	}
	if os.Getuid() > 0 { // root may write it
		require.NoError(t, os.Chmod(path, 0o400))
		_, err := sqlite.Open(ctx, path)
		require.ErrorContains(t, err, "the database is read-only")
	}
	defer lockFile(t, path)()
	require.NoError(t, open(t, path, sqlite.BusyTimeout(time.Millisecond)).Close(), "a lock of another process is not for good")
}

func modeOf(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Mode().Perm()
}

const maxLog = 16 << 20 // as the documentation says

// A reader of another program hinders checkpoints, so the log grows. Afterwards it
// must not stay large.
func TestTheLogIsCutAfterAReaderThatHeldAnOldState(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	r := record("v1")
	require.NoError(t, s.Create(ctx, r))
	reader, err := openDB(t, path).BeginTx(ctx, nil)
	require.NoError(t, err)
	var n int
	require.NoError(t, reader.QueryRowContext(ctx, "SELECT count(*) FROM carrierfsm_verifications").Scan(&n))
	writer := openDB(t, path)
	_, err = writer.Exec("CREATE TABLE of_the_host (b BLOB)")
	require.NoError(t, err)
	for sizeOf(t, path+"-wal") < maxLog+4<<20 {
		_, err = writer.Exec("INSERT INTO of_the_host VALUES (zeroblob(4194304))")
		require.NoError(t, err)
	}
	require.NoError(t, reader.Rollback())
	for range 3 { // the next commits copy the log into the file and begin it again
		r.Version++
		require.NoError(t, s.Commit(ctx, r))
	}
	require.LessOrEqual(t, sizeOf(t, path+"-wal"), int64(maxLog))
	stored, err := s.Load(ctx, "v1")
	require.NoError(t, err)
	require.Equal(t, r.Version, stored.Version)
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}

// The safe ways to copy a database that is in use, as docs/operations.md says.
var backups = map[string]func(t *testing.T, path, to string) error{
	"VACUUM INTO": func(t *testing.T, path, to string) error {
		t.Helper()
		_, err := openDB(t, path+"?_pragma=busy_timeout(5000)").Exec("VACUUM INTO ?", to)
		return err
	},
	"the backup of the driver, as .backup does": func(t *testing.T, path, to string) error {
		t.Helper()
		conn, err := openDB(t, path+"?_pragma=busy_timeout(5000)").Conn(context.Background())
		if err != nil {
			return err
		}
		defer func() { require.NoError(t, conn.Close()) }()
		return conn.Raw(func(raw any) error { return backup(raw, to) })
	},
}

// backup copies the database of a connection of the driver.
func backup(conn any, to string) error {
	b, err := conn.(interface {
		NewBackup(to string) (*driver.Backup, error)
	}).NewBackup(to)
	if err != nil {
		return err
	}
	for more := true; more && err == nil; {
		more, err = b.Step(-1) // all pages at once; in small steps, each commit would begin it again
	}
	return errors.Join(err, b.Finish())
}

func TestASafeCopyOfALiveDatabaseIsWholeAndHasAllThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	for name, copyTo := range backups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			path := newPath(t)
			s := open(t, path)
			const before = 50
			for i := range before {
				require.NoError(t, s.Create(ctx, record(fmt.Sprintf("before%d", i))))
			}
			stop, stopped := make(chan struct{}), make(chan error, 1)
			go func() { stopped <- writeUntil(ctx, s, stop) }()
			copied := filepath.Join(t.TempDir(), "copy.db")
			err := copyTo(t, path, copied)
			close(stop)
			require.NoError(t, <-stopped)
			require.NoError(t, err)

			var verdict string
			require.NoError(t, openDB(t, copied).QueryRow("PRAGMA integrity_check").Scan(&verdict))
			require.Equal(t, "ok", verdict)
			restored := open(t, copied)
			for i := range before {
				_, err := restored.Load(ctx, fmt.Sprintf("before%d", i))
				require.NoError(t, err)
			}
			busy, err := restored.Load(ctx, "busy")
			if err == nil { // the copy has some of its commits: a record and its history agree
				var entries []carrierfsm.Entry
				entries, err = restored.History(ctx, "busy", 0, 1<<20)
				require.Len(t, entries, busy.Step)
			}
			if err != nil {
				require.ErrorIs(t, err, carrierfsm.ErrNotFound)
			}
		})
	}
}

// writeUntil makes commits until stop is closed.
func writeUntil(ctx context.Context, s *sqlite.Store, stop <-chan struct{}) error {
	r := record("busy")
	err := s.Create(ctx, r)
	for err == nil {
		select {
		case <-stop:
			return nil
		default:
		}
		r.Version++
		r.Step++
		r.Body = make([]byte, 1<<12)
		err = s.Commit(ctx, r, carrierfsm.Entry{ID: r.ID, Step: r.Step, At: r.Updated})
	}
	return err
}

// Copying the files of a live database one after the other loses commits, and worse:
// this is why docs/operations.md forbids it.
func TestCopyingTheFilesOfALiveDatabaseLosesAcknowledgedCommits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := newPath(t)
	s := open(t, path)
	require.NoError(t, s.Create(ctx, record("v1")))
	copied := filepath.Join(t.TempDir(), "copy.db")
	copyFile(t, path, copied)
	require.NoError(t, s.Checkpoint(ctx)) // as it happens by itself between two copies
	copyFile(t, path+"-wal", copied+"-wal")
	_, err := open(t, copied).Load(ctx, "v1")
	require.ErrorIs(t, err, carrierfsm.ErrNotFound)
}
