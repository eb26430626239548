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
// package can't work with. It can work with newer tables that only have something
// added.
var ErrNewerSchema = errors.New("carrierfsm/postgres: the tables need a newer version")

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock is the advisory lock of migrations. This package uses no other
// advisory lock.
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
	// Read committed: after it got the lock, a replica must see what the one before it
	// has committed.
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		// Replicas that start together migrate one after the other. The lock ends with
		// the transaction.
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
	return advised(err, "the role may not create the tables: call New once with a role that may, which then owns them")
}

// createSchemaTable creates the table of applied migrations. least is the lowest
// version of this package that can work with the tables. A migration that only
// adds something keeps the number, so that older builds still work.
const createSchemaTable = `CREATE TABLE IF NOT EXISTS carrierfsm_schema (
	version integer NOT NULL PRIMARY KEY, least integer NOT NULL DEFAULT 1)`

// upToDate returns whether all n migrations have been applied.
func upToDate(ctx context.Context, db querier, n int) (bool, error) {
	var exists bool
	err := db.QueryRow(ctx, `SELECT to_regclass('carrierfsm_schema') IS NOT NULL`).Scan(&exists)
	if err != nil || !exists {
		return false, err
	}
	version, err := schemaVersion(ctx, db, n)
	return version >= n, err
}

// schemaVersion returns how many migrations have been applied, or ErrNewerSchema if
// the tables need more than the n migrations of this version.
func schemaVersion(ctx context.Context, db querier, n int) (version int, err error) {
	var least int
	err = db.QueryRow(ctx, `SELECT coalesce(max(version), 0), coalesce(max(least), 0) FROM carrierfsm_schema`).Scan(&version, &least)
	if err == nil && least > n {
		err = fmt.Errorf("%w: %d, this one is %d", ErrNewerSchema, least, n)
	}
	return version, err
}

// apply applies one migration. It has several statements, which pgx can send
// because there are no arguments.
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
