// Package sqlite is a carrierfsm.Store in a SQLite file, by modernc.org/sqlite,
// which needs no C compiler. Several processes of one machine may share the
// file, and the host's own tables may live in it: everything of this package
// is named carrierfsm_….
//
// The file is in WAL mode with synchronous=FULL: what was acknowledged
// survives kill -9 and loss of power. There is one writer at a time. Those of
// this store's callers who wait share the next transaction, and so its one sync
// of the disk, each with a verdict of its own. Foreign writers are waited for,
// and should wait too (set a busy timeout there). A network file system is no
// place for it.
//
// secure_delete is on, so erased values are overwritten in the file, and Erase
// empties the write-ahead log as far as no reader holds it. What Purge deletes
// stays in the log until it is next emptied or written over. Copies and
// backups are the host's.
//
// Times are after 1970-01-01, whose first microsecond reads as the zero time.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/group"
)

var (
	_ carrierfsm.Store  = (*Store)(nil)
	_ carrierfsm.Outbox = (*Store)(nil)
)

// Store keeps verifications in a SQLite file. It is safe for concurrent use.
type Store struct {
	write    *sql.DB
	read     *sql.DB
	owned    []*sql.DB
	claims   bool // a transaction of write is the writer from its beginning by itself
	prepared prepared
	own      *ownWriter // nil on the host's connections
	loaders  *loaders   // nil there too
	busy     time.Duration
	turn     chan struct{} // full while a caller writes
	queue    *group.Queue[item]
}

// Option changes how a store uses its file.
type Option func(*options)

type options struct {
	synchronous string
	busy        time.Duration
}

// SynchronousNormal gives up durability for speed: after a loss of power (not
// of the process) the latest commits may be gone, and with them the intents of
// calls that were made. The guarantees of this module need FULL. It is an
// option of Open; New leaves the pragmas to the host.
func SynchronousNormal() Option { return func(o *options) { o.synchronous = "NORMAL" } }

// BusyTimeout is how long a foreign writer is waited for, unless the context
// ends first. Defaults to 5 s.
func BusyTimeout(d time.Duration) Option { return func(o *options) { o.busy = d } }

func optionsOf(opts []Option) options {
	o := options{synchronous: "FULL", busy: 5 * time.Second}
	for _, set := range opts {
		set(&o)
	}
	return o
}

// readers is how many reads may go on at once, beside the one writer, and how
// many loads besides.
const readers = 4

// Open opens the file, which it creates where it is missing, and brings its
// tables up to date. It returns ErrNewerSchema for a file of a newer version
// of this package, and the driver's error for a path that can't be opened.
// Close the store when done.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := optionsOf(opts)
	if path == "" || path == ":memory:" {
		return nil, errors.New("carrierfsm/sqlite: a path to a file is needed; for memory there is store/memory")
	}
	write, err := openPool(path, o, 1, url.Values{"_txlock": {"immediate"}, "_pragma": {"cache_size(-65536)"}}) // 64 MiB
	if err != nil {
		return nil, err
	}
	read, err := openPool(path, o, 2*readers, url.Values{"_pragma": {"cache_size(-8192)", "query_only(1)"}})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	s := newStore(write, read, o)
	s.owned, s.claims = []*sql.DB{read, write}, true
	if err = s.prepare(ctx); err == nil {
		err = s.takeConnections(ctx)
	}
	if err != nil {
		_ = s.Close() // nothing was written: the first error is the one that counts
		return nil, fmt.Errorf("%w (opening %s)", err, path)
	}
	return s, nil
}

// takeConnections takes those that are for one thing only.
func (s *Store) takeConnections(ctx context.Context) (err error) {
	if s.own, err = newOwnWriter(ctx, s.write); err == nil {
		s.loaders, err = newLoaders(ctx, s.read, readers)
	}
	return named(err)
}

// New makes a store of the host's own database, opened with the driver
// "sqlite" on a file, and brings its tables up to date; errors are those of
// Open. The host sets the pragmas: journal_mode(WAL), synchronous(FULL),
// busy_timeout(5000) and secure_delete(1) are what the guarantees need. Close
// does not close db; call it before closing db.
func New(ctx context.Context, db *sql.DB, opts ...Option) (*Store, error) {
	s := newStore(db, db, optionsOf(opts))
	err := s.prepare(ctx)
	if err == nil {
		err = s.prepared.prepareWriting(ctx, db)
	}
	if err != nil {
		_ = s.Close() // the statements
		return nil, err
	}
	return s, nil
}

func newStore(write, read *sql.DB, o options) *Store {
	s := &Store{write: write, read: read, busy: o.busy, turn: make(chan struct{}, 1)}
	s.queue = s.newQueue()
	return s
}

// prepare makes sure that the file can be used before anything depends on it.
func (s *Store) prepare(ctx context.Context) error {
	if err := patiently(ctx, s.busy, func() error { return s.write.PingContext(ctx) }); err != nil {
		return named(err)
	}
	if err := s.refuseMemory(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.prepared.prepare(ctx, s.read)
}

// refuseMemory: each connection of a pool would have a database of its own.
func (s *Store) refuseMemory(ctx context.Context) error {
	var file string
	const query = `SELECT file FROM pragma_database_list WHERE name = 'main'`
	if err := s.write.QueryRowContext(ctx, query).Scan(&file); err != nil {
		return named(err)
	}
	if file == "" {
		return errors.New("carrierfsm/sqlite: the database is in memory, a file is needed; for memory there is store/memory")
	}
	return nil
}

// Close closes what Open opened. Call it when no other method is running.
func (s *Store) Close() error {
	s.queue.Wait()
	errs := []error{s.prepared.close()}
	if s.loaders != nil {
		errs = append(errs, s.loaders.close())
	}
	if s.own != nil {
		errs = append(errs, s.own.close())
	}
	s.own, s.loaders = nil, nil
	for _, db := range s.owned {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

func openPool(path string, o options, size int, more url.Values) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, o, more))
	if err != nil {
		return nil, named(err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// driverBusy is how long the driver waits at a time; patiently goes on from
// there. It is short because it also bounds how long Erase waits for readers.
const driverBusy = 50 * time.Millisecond

func dsn(path string, o options, q url.Values) string {
	q["_pragma"] = append([]string{
		fmt.Sprintf("busy_timeout(%d)", min(o.busy, driverBusy).Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(" + o.synchronous + ")",
		"secure_delete(1)",
	}, q["_pragma"]...)
	return "file:" + (&url.URL{Path: filepath.Clean(path)}).EscapedPath() + "?" + q.Encode()
}
