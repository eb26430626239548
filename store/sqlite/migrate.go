package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/carrierfsm/carrierfsm/store/schema"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations has the SQL files that create the tables, to be applied in the order of
// their names, each in one transaction. Each file also inserts its row into the
// table carrierfsm_schema. The program sqlite3, goose and atlas can apply them;
// docs/sqlite.md says how.
var Migrations = mustSub(embedded, "migrations")

func mustSub(files fs.FS, folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	return sub
}

// WithoutMigrate makes Open and New leave the tables as they are. They then return
// schema.ErrOlder, which says what to run, if the file lacks a migration, and Open
// does not create a file.
func WithoutMigrate() Option { return func(o *options) { o.withoutMigrate = true } }

// Migrate creates the file if it is missing, and applies the migrations that it
// lacks, all in one transaction. It returns schema.ErrNewer for a file that needs a
// newer build. Programs that call it at the same time apply each migration once, and
// older ones may go on working meanwhile.
func Migrate(ctx context.Context, path string, opts ...Option) error {
	if err := checkPath(path); err != nil {
		return err
	}
	if err := createFile(path); err != nil {
		return err
	}
	return withPool(path, optionsOf(opts), func(s *Store) error {
		if err := s.checkFile(ctx); err != nil {
			return err
		}
		return named(s.applyMissing(ctx))
	})
}

// Versions returns the versions of the tables that this build or the file knows, in
// order, and which of them the file has. It only reads.
func Versions(ctx context.Context, path string, opts ...Option) (list []schema.Version, err error) {
	if err := mustExist(path); err != nil {
		return nil, err
	}
	err = withPool(path, optionsOf(opts), func(s *Store) error {
		all, rows, err := s.readSchema(ctx, s.writeDB)
		list = all.Versions(rows)
		return named(err)
	})
	return list, err
}

// CheckSchema returns nil if the file has all migrations, schema.ErrOlder if it lacks
// one, and schema.ErrNewer if it needs a newer build. It only reads.
func (s *Store) CheckSchema(ctx context.Context) (err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return err
	}
	defer done(&err)
	return named(s.checkSchema(ctx, s.readDB))
}

// named adds the name of this package to an error.
func named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("carrierfsm/sqlite: %w", err)
}

// withPool calls f with a store that has a database for writes and nothing else.
func withPool(path string, o options, f func(*Store) error) error {
	db, err := openPool(path, o, 1, url.Values{})
	if err != nil {
		return err
	}
	if err = errors.Join(f(newStore(db, db, o)), db.Close()); err != nil {
		return fmt.Errorf("%w (opening %s)", err, path)
	}
	return nil
}

// mustExist returns an error if there is no file.
func mustExist(path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("carrierfsm/sqlite: %w: sqlite.Migrate creates the file: %w", schema.ErrOlder, err)
	}
	return nil
}

// migrate applies the migrations that the file lacks, all in one transaction, and
// prepares lockFile. A file that lacks none is only read.
func (s *Store) migrate(ctx context.Context) (err error) {
	if s.withoutMigrate {
		err = s.checkSchema(ctx, s.writeDB)
	} else {
		err = s.applyMissing(ctx)
	}
	if err == nil {
		s.prepared.lockFile, err = s.writeDB.PrepareContext(ctx, lockFile)
	}
	return named(err)
}

func (s *Store) applyMissing(ctx context.Context) error {
	if _, missing, err := s.missingMigrations(ctx, s.writeDB); err != nil || len(missing) == 0 {
		return err
	}
	conn, err := s.writeDB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // back to the pool
	// Other processes that migrate wait here. The transaction is short and does not
	// end with ctx.
	err = s.retryBusy(ctx, func() error {
		_, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`)
		return err
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	_, missing, err := s.missingMigrations(ctx, conn) // again: another process may have been faster
	for _, m := range missing {
		if _, err = conn.ExecContext(ctx, m.SQL); err != nil {
			err = fmt.Errorf("%s: %w", m.File, err)
			break
		}
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, `COMMIT`)
	}
	if err != nil {
		_, _ = conn.ExecContext(ctx, `ROLLBACK`) // fails if SQLite has rolled back already, as it does when the disk is full
	}
	return err
}

// querier is a database or one of its connections.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (s *Store) checkSchema(ctx context.Context, db querier) error {
	all, missing, err := s.missingMigrations(ctx, db)
	if err == nil && len(missing) > 0 {
		err = all.Older(missing, "sqlite.Migrate")
	}
	return err
}

// missingMigrations returns the migrations of this build, and those that the file
// lacks.
func (s *Store) missingMigrations(ctx context.Context, db querier) (all, missing schema.Migrations, err error) {
	all, rows, err := s.readSchema(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	missing, err = all.Missing(rows)
	return all, missing, err
}

// The columns of carrierfsm_schema that are not in its first version.
const (
	leastSince   = 2
	appliedSince = 3
)

// readSchema returns the migrations of this build, and the rows of the file.
func (s *Store) readSchema(ctx context.Context, db querier) (all schema.Migrations, rows []schema.Row, err error) {
	if all, err = schema.Read(Migrations); err != nil {
		return nil, nil, err
	}
	err = s.retryBusy(ctx, func() (err error) {
		rows, err = readRows(ctx, db)
		return err
	})
	return all, rows, err
}

func readRows(ctx context.Context, db querier) (list []schema.Row, err error) {
	var exists bool
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'carrierfsm_schema')`).Scan(&exists)
	if err != nil || !exists {
		return nil, err
	}
	var version int
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM carrierfsm_schema`).Scan(&version); err != nil {
		return nil, err
	}
	columns := `version, 1, 0`
	switch {
	case version >= appliedSince:
		columns = `version, least, applied`
	case version >= leastSince:
		columns = `version, least, 0`
	}
	rows, err := db.QueryContext(ctx, `SELECT `+columns+` FROM carrierfsm_schema ORDER BY version`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r schema.Row
		var at int64
		if err := rows.Scan(&r.Version, &r.Least, &at); err != nil {
			return nil, err
		}
		r.At = timeOf(at)
		list = append(list, r)
	}
	return list, rows.Err()
}
