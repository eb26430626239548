package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// ErrNewerSchema is returned for a file whose tables this version of the package
// can't work with. It can work with newer tables that only have something added.
var ErrNewerSchema = errors.New("carrierfsm/sqlite: the tables need a newer version")

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that the file lacks. It does so in one
// transaction, so that two processes can't both do it. A file that lacks none is
// only read.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if err := s.createSchemaTable(ctx); err != nil {
		return wrap(err)
	}
	if missing, err := missingMigrations(ctx, s.writeDB, names); err != nil || len(missing) == 0 {
		return wrap(err)
	}
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		missing, err := missingMigrations(ctx, tx, names) // again: another process may have been faster
		if err != nil {
			return err
		}
		for i, name := range missing {
			if err := apply(ctx, tx, name, len(names)-len(missing)+i+1); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

// createSchemaTable creates the table of applied migrations if it is missing, and
// prepares lockFile, which uses that table.
func (s *Store) createSchemaTable(ctx context.Context) (err error) {
	const table = `CREATE TABLE IF NOT EXISTS carrierfsm_schema (version INTEGER NOT NULL PRIMARY KEY) WITHOUT ROWID`
	err = s.retryBusy(ctx, func() error {
		_, err := s.writeDB.ExecContext(ctx, table)
		return err
	})
	if err == nil {
		s.prepared.lockFile, err = s.writeDB.PrepareContext(ctx, lockFile)
	}
	return err
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// missingMigrations returns the names of the migrations that have not been
// applied to the file, or ErrNewerSchema.
func missingMigrations(ctx context.Context, db querier, names []string) ([]string, error) {
	var version, least int
	err := db.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM carrierfsm_schema`).Scan(&version)
	if err == nil && version >= leastSince {
		err = db.QueryRowContext(ctx, `SELECT max(least) FROM carrierfsm_schema`).Scan(&least)
	}
	if err != nil {
		return nil, err
	}
	if least > len(names) {
		return nil, fmt.Errorf("%w: %d, this one is %d", ErrNewerSchema, least, len(names))
	}
	return names[min(version, len(names)):], nil
}

// leastSince is the migration that adds the column least.
const leastSince = 2

func apply(ctx context.Context, tx *sql.Tx, name string, version int) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO carrierfsm_schema (version) VALUES (?)`, version)
	return err
}
