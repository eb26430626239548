package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrNewerSchema is returned for a database whose tables this version of the
// package can't work with. Newer tables that only have something more are no
// such case.
var ErrNewerSchema = errors.New("carrierfsm/postgres: the tables need a newer version")

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the name of the advisory lock under which migrations are
// applied. Nothing else of this package takes one.
const migrationLock = 0x6361_7272_6665_736d

// querier is a pool or a transaction.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// migrate applies the migrations that the database lacks, all in one
// transaction. A database that lacks none is only read.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	slices.Sort(names)
	if done, err := upToDate(ctx, s.pool, len(names)); err != nil || done {
		return err
	}
	// What the one before has committed must be seen once the lock is had.
	return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		// Of replicas that start together one goes first; the lock ends with the transaction.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, createSchemaTable); err != nil {
			return err
		}
		version, err := schemaVersion(ctx, tx, len(names))
		for ; err == nil && version < len(names); version++ {
			err = apply(ctx, tx, names[version], version+1)
		}
		return err
	})
}

// createSchemaTable: least is which version of this package the tables need. A
// migration that only adds leaves it as it was, so that older builds go on.
const createSchemaTable = `CREATE TABLE IF NOT EXISTS carrierfsm_schema (
	version integer NOT NULL PRIMARY KEY, least integer NOT NULL DEFAULT 1)`

// upToDate tells whether the database has had all migrations.
func upToDate(ctx context.Context, db querier, n int) (bool, error) {
	var known bool
	err := db.QueryRow(ctx, `SELECT to_regclass('carrierfsm_schema') IS NOT NULL`).Scan(&known)
	if err != nil || !known {
		return false, err
	}
	version, err := schemaVersion(ctx, db, n)
	return version >= n, err
}

// schemaVersion is how many migrations the database has had. Ours are n.
func schemaVersion(ctx context.Context, db querier, n int) (version int, err error) {
	var least int
	err = db.QueryRow(ctx, `SELECT coalesce(max(version), 0), coalesce(max(least), 0) FROM carrierfsm_schema`).Scan(&version, &least)
	if err == nil && least > n {
		err = fmt.Errorf("%w: %d, this one is %d", ErrNewerSchema, least, n)
	}
	return version, err
}

// apply runs one migration. Without arguments pgx sends the text as it is, so
// that it may hold several statements.
func apply(ctx context.Context, tx pgx.Tx, name string, version int) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, string(text)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO carrierfsm_schema (version) VALUES ($1)`, version)
	return err
}
