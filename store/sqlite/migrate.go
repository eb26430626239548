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

// ErrNewerSchema is returned for a file whose tables this version of the
// package can't work with. Newer tables that only have something more are no
// such case.
var ErrNewerSchema = errors.New("carrierfsm/sqlite: the tables need a newer version")

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that the file lacks, all in one transaction,
// so that two processes can't both do it. A file that lacks none is only read.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if err := s.claimable(ctx); err != nil {
		return named(err)
	}
	if lacking, err := lacks(ctx, s.write, names); err != nil || len(lacking) == 0 {
		return named(err)
	}
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		lacking, err := lacks(ctx, tx, names) // once more: another process may have been faster
		if err != nil {
			return err
		}
		for i, name := range lacking {
			if err := apply(ctx, tx, name, len(names)-len(lacking)+i+1); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

// claimable makes the table that counts the migrations, where it is missing.
// It is also the one that a writer claims the file by.
func (s *Store) claimable(ctx context.Context) (err error) {
	const table = `CREATE TABLE IF NOT EXISTS carrierfsm_schema (version INTEGER NOT NULL PRIMARY KEY) WITHOUT ROWID`
	err = patiently(ctx, s.busy, func() error {
		_, err := s.write.ExecContext(ctx, table)
		return err
	})
	if err == nil {
		s.prepared.claim, err = s.write.PrepareContext(ctx, claimFile)
	}
	return err
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// lacks returns those of the migrations that the file has not had.
func lacks(ctx context.Context, db querier, names []string) ([]string, error) {
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

// leastSince is the migration that has brought the column least.
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
