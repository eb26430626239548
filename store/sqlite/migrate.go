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

// ErrNewerSchema is returned for a file whose tables a newer version of this
// package made.
var ErrNewerSchema = errors.New("carrierfsm/sqlite: the tables were made by a newer version")

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies the migrations that the file lacks, all in one transaction
// that writes from its beginning, so that two processes can't both do it.
func migrate(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	return inTransaction(ctx, db, func(tx *sql.Conn) error {
		at, err := schemaVersion(ctx, tx)
		if err != nil {
			return err
		}
		if at > len(names) {
			return fmt.Errorf("%w: %d, this one knows %d", ErrNewerSchema, at, len(names))
		}
		for i, name := range names[at:] {
			if err := apply(ctx, tx, name, at+i+1); err != nil {
				return fmt.Errorf("carrierfsm/sqlite: %s: %w", name, err)
			}
		}
		return nil
	})
}

// schemaVersion is how many migrations the file has had.
func schemaVersion(ctx context.Context, tx *sql.Conn) (version int, err error) {
	const table = `CREATE TABLE IF NOT EXISTS carrierfsm_schema (version INTEGER NOT NULL PRIMARY KEY) WITHOUT ROWID`
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return 0, fmt.Errorf("carrierfsm/sqlite: %w", err)
	}
	err = tx.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) FROM carrierfsm_schema`).Scan(&version)
	return version, err
}

func apply(ctx context.Context, tx *sql.Conn, name string, version int) error {
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
