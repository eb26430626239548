// Package sqlite is a carrierfsm.Store in a SQLite file. It uses
// modernc.org/sqlite, which needs no C compiler. Several processes of one machine
// may share the file, and the host may have its own tables in it: the names of all
// tables and indexes of this package begin with carrierfsm_.
//
// The file is in WAL mode with synchronous=FULL: an acknowledged write survives
// kill -9 and a loss of power. There is one writer at a time. Callers of this
// store that wait for it share the next transaction, and so its one sync of the
// disk; each still gets its own error. The store waits for writers outside it,
// which should wait for the store too (set a busy timeout there). Don't put the
// file on a network file system.
//
// secure_delete is on, so erased values are overwritten in the file, and Erase
// empties the write-ahead log unless a reader still uses it. Values that Purge
// deletes stay in the log until it is emptied or overwritten. The host has to
// care for copies and backups.
//
// The file, and the two that SQLite keeps beside it, are created for their owner
// only (0600). The write-ahead log is cut to 16 MiB when it begins again; while a
// reader holds an old state of the file, it grows.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/lifetime"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/batch"
)

var (
	_ carrierfsm.Store = (*Store)(nil)
	_ outbox.Outbox    = (*Store)(nil)
)

// Store keeps verifications in a SQLite file. It is safe for concurrent use.
type Store struct {
	writeDB         *sql.DB
	readDB          *sql.DB // the same as writeDB in a store made by New
	beginsImmediate bool    // whether writeDB begins transactions with BEGIN IMMEDIATE
	prepared        prepared
	busy            time.Duration
	withoutMigrate  bool
	calls           *lifetime.Lifetime
	closeOnce       func() error
	writeLock       chan struct{} // has one element while a caller writes
	queue           *batch.Queue[item]
	epoch           int64 // that writes require; 0 for any

	// Only in a store made by Open.
	opened     []*sql.DB
	fastWriter *fastWriter
	loaders    *loaderPool
}

// Option changes how a store uses its file.
type Option func(*options)

type options struct {
	synchronous    string
	busy           time.Duration
	withoutMigrate bool
}

// SynchronousNormal gives up durability for speed: a loss of power (not of the
// process) may undo the latest commits, and with them the intents of calls that
// were made. The guarantees of this module need FULL. It is an option of Open;
// New leaves the pragmas to the host.
func SynchronousNormal() Option { return func(o *options) { o.synchronous = "NORMAL" } }

// BusyTimeout sets how long a write waits for writers outside the store, unless
// its context ends first. Defaults to 5 s.
func BusyTimeout(d time.Duration) Option { return func(o *options) { o.busy = d } }

func optionsOf(opts []Option) options {
	o := options{synchronous: "FULL", busy: 5 * time.Second}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// writerCache is 16 MiB: several times the pages that the largest batch writes. A larger
// cache makes commits slower: after one that has split a page of an index, SQLite looks at
// every page in the cache.
const writerCache = "cache_size(-16384)"

// readers is the number of connections for Load, and the number for other reads.
const readers = 4

// Open opens the file, creates it if it is missing, and applies the migrations
// that it lacks, unless WithoutMigrate is set. It returns schema.ErrNewer for a file
// that needs a newer build, and the driver's error for a path that can't be opened or
// a file that can't be written. Call Close when done.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := optionsOf(opts)
	if err := checkPath(path); err != nil {
		return nil, err
	}
	if o.withoutMigrate {
		if err := mustExist(path); err != nil {
			return nil, err
		}
	}
	if err := createFile(path); err != nil {
		return nil, err
	}
	writeDB, err := openPool(path, o, 1, url.Values{"_txlock": {"immediate"}, "_pragma": {writerCache}})
	if err != nil {
		return nil, err
	}
	readDB, err := openPool(path, o, 2*readers, url.Values{"_pragma": {"cache_size(-8192)", "query_only(1)"}})
	if err != nil {
		return nil, errors.Join(err, writeDB.Close())
	}
	s := newStore(writeDB, readDB, o)
	s.opened, s.beginsImmediate = []*sql.DB{readDB, writeDB}, true
	if err = s.prepare(ctx); err == nil {
		err = s.prepareFastPath(ctx)
	}
	if err != nil {
		_ = s.Close() // nothing was written: the first error is the one that counts
		return nil, fmt.Errorf("%w (opening %s)", err, path)
	}
	return s, nil
}

func checkPath(path string) error {
	if path == "" || path == ":memory:" {
		return errors.New("carrierfsm/sqlite: a path to a file is needed; for memory there is store/memory")
	}
	return nil
}

// createFile creates the file for its owner only, if it is missing. SQLite would
// create it for everyone to read. It gives the two files beside it the same mode.
func createFile(path string) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return fmt.Errorf("carrierfsm/sqlite: %s is a folder", path)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("carrierfsm/sqlite: %w", err)
	}
	return f.Close()
}

func (s *Store) prepareFastPath(ctx context.Context) (err error) {
	if s.fastWriter, err = newFastWriter(ctx, s.writeDB); err == nil {
		s.loaders, err = newLoaderPool(ctx, s.readDB, readers)
	}
	return wrap(err)
}

// New returns a store in the host's own database, which must be a file opened with
// the driver "sqlite", and applies the migrations that it lacks, unless
// WithoutMigrate is set. It returns the same errors as Open. The host sets the pragmas: the guarantees need
// journal_mode(WAL), synchronous(FULL), busy_timeout(5000) and secure_delete(1);
// journal_size_limit(16777216) keeps the write-ahead log from staying large. The
// host creates the file, too, and should do so with the mode 0600. Close does not
// close db; call it before closing db.
func New(ctx context.Context, db *sql.DB, opts ...Option) (*Store, error) {
	s := newStore(db, db, optionsOf(opts))
	err := s.prepare(ctx)
	if err == nil {
		err = s.prepared.prepareWrites(ctx, db)
	}
	if err != nil {
		_ = s.Close() // closes the statements
		return nil, err
	}
	return s, nil
}

func newStore(writeDB, readDB *sql.DB, o options) *Store {
	s := &Store{writeDB: writeDB, readDB: readDB, busy: o.busy, withoutMigrate: o.withoutMigrate, calls: lifetime.New(), writeLock: make(chan struct{}, 1)}
	s.queue = s.newQueue()
	s.closeOnce = sync.OnceValue(s.close)
	return s
}

// prepare checks that the file can be used, migrates it and prepares the
// statements of reads.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.checkFile(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.refuseReadOnly(ctx); err != nil {
		return err
	}
	return s.prepared.prepareReads(ctx, s.readDB)
}

// checkFile opens the file and refuses a database in memory.
func (s *Store) checkFile(ctx context.Context) error {
	if err := s.retryBusy(ctx, func() error { return s.writeDB.PingContext(ctx) }); err != nil {
		return wrap(err)
	}
	return s.refuseMemory(ctx)
}

// refuseMemory returns an error for a database in memory: there each connection of
// the pool would have its own database.
func (s *Store) refuseMemory(ctx context.Context) error {
	var file string
	const query = `SELECT file FROM pragma_database_list WHERE name = 'main'`
	if err := s.writeDB.QueryRowContext(ctx, query).Scan(&file); err != nil {
		return wrap(err)
	}
	if file == "" {
		return errors.New("carrierfsm/sqlite: the database is in memory, a file is needed; for memory there is store/memory")
	}
	return nil
}

// refuseReadOnly returns an error for a database that can't be written. SQLite
// opens such a file without one, for reads only. A file that another process has
// locked can be written: SQLite tests that first.
func (s *Store) refuseReadOnly(ctx context.Context) error {
	if _, err := s.prepared.lockFile.ExecContext(ctx); hasCode(err, lib.SQLITE_READONLY) {
		return fmt.Errorf("carrierfsm/sqlite: the database is read-only; the file and its folder must be writable, without mode=ro and query_only: %w", err)
	}
	return nil
}

// Close ends the store: it waits for the calls that are running and closes what
// Open opened. Calls that wait for something, and all later ones, return
// carrierfsm.ErrClosed. It may be called at any time, and again.
func (s *Store) Close() error {
	_ = s.calls.Close(context.Background()) // which does not end
	return s.closeOnce()
}

// close closes everything, when no call is running any more.
func (s *Store) close() error {
	s.queue.Wait()
	errs := []error{s.prepared.close()}
	if s.loaders != nil {
		errs = append(errs, s.loaders.close())
	}
	if s.fastWriter != nil {
		errs = append(errs, s.fastWriter.close())
	}
	for _, db := range s.opened {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

func openPool(path string, o options, size int, more url.Values) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, o, more))
	if err != nil {
		return nil, wrap(err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// driverBusy is the driver's own busy timeout; retryBusy waits for the rest. It is
// short because Erase waits for readers that long.
const driverBusy = 50 * time.Millisecond

// maxLog is the size in bytes that the write-ahead log is cut to when it begins
// again after a checkpoint. It is several times what it grows to without a reader
// that hinders checkpoints (1000 pages).
const maxLog = 16 << 20

func dsn(path string, o options, q url.Values) string {
	q["_pragma"] = append([]string{
		fmt.Sprintf("busy_timeout(%d)", min(o.busy, driverBusy).Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(" + o.synchronous + ")",
		"secure_delete(1)",
		fmt.Sprintf("journal_size_limit(%d)", maxLog),
	}, q["_pragma"]...)
	return "file:" + (&url.URL{Path: filepath.Clean(path)}).EscapedPath() + "?" + q.Encode()
}
