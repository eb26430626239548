// Package sqlite is a carrierfsm.Store in a SQLite file, by modernc.org/sqlite,
// which needs no C compiler. Several processes of one machine may share the
// file, and the host's own tables may live in it: everything of this package
// is named carrierfsm_….
//
// The file is in WAL mode with synchronous=FULL: what was acknowledged
// survives kill -9 and loss of power. There is one writer at a time; the store
// waits for it, and so should foreign writers (set a busy timeout there too).
// A network file system is no place for it.
//
// secure_delete is on, so erased values are overwritten in the file, and Erase
// empties the write-ahead log as far as no reader holds it. Copies and backups
// are the host's.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/carrierfsm/carrierfsm"
)

var (
	_ carrierfsm.Store = (*Store)(nil)
	_ carrierfsm.Feed  = (*Store)(nil)
)

// Store keeps verifications in a SQLite file. It is safe for concurrent use.
type Store struct {
	write *sql.DB // one connection
	read  *sql.DB // several
	owned []*sql.DB
}

// Option changes how Open opens a file.
type Option func(*options)

type options struct {
	synchronous string
	busy        time.Duration
	readers     int
}

// SynchronousNormal gives up durability for speed: after a loss of power (not
// of the process) the latest commits may be gone, and with them the intents of
// calls that were made. The guarantees of this module need FULL.
func SynchronousNormal() Option { return func(o *options) { o.synchronous = "NORMAL" } }

// BusyTimeout is how long a foreign writer is waited for. Defaults to 5 s.
func BusyTimeout(d time.Duration) Option { return func(o *options) { o.busy = d } }

// Open opens the file, which it creates where it is missing, and brings its
// tables up to date. It returns ErrNewerSchema for a file of a newer version
// of this package, and the driver's error for a path that can't be opened.
// Close the store when done.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := options{synchronous: "FULL", busy: 5 * time.Second, readers: 4}
	for _, set := range opts {
		set(&o)
	}
	if path == "" || path == ":memory:" {
		return nil, errors.New("carrierfsm/sqlite: a path to a file is needed; for memory there is store/memory")
	}
	write, err := openPool(path, o, 1)
	if err != nil {
		return nil, err
	}
	read, err := openPool(path, o, o.readers)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	s := &Store{write: write, read: read, owned: []*sql.DB{read, write}}
	if err := patiently(ctx, o.busy, func() error { return s.prepare(ctx) }); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// New makes a store of the host's own database, opened with the driver
// "sqlite", and brings its tables up to date. The host sets the pragmas:
// journal_mode(WAL), synchronous(FULL), busy_timeout(5000) and
// secure_delete(1) are those of Open. Close does not close db.
func New(ctx context.Context, db *sql.DB) (*Store, error) {
	s := &Store{write: db, read: db}
	return s, s.prepare(ctx)
}

// prepare makes sure that the file can be used before anything depends on it.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.write.PingContext(ctx); err != nil {
		return fmt.Errorf("carrierfsm/sqlite: %w", err)
	}
	return migrate(ctx, s.write)
}

// Close closes what Open opened.
func (s *Store) Close() error {
	var errs []error
	for _, db := range s.owned {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

func openPool(path string, o options, size int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, o))
	if err != nil {
		return nil, fmt.Errorf("carrierfsm/sqlite: %w", err)
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

func dsn(path string, o options) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", o.busy.Milliseconds()),
		"journal_mode(WAL)",
		"synchronous(" + o.synchronous + ")",
		"secure_delete(1)",
		"cache_size(-65536)", // 64 MiB
	}}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}
