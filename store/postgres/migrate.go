package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm/store/schema"
)

//go:embed migrations/*.sql
var embedded embed.FS

// Migrations has the SQL files that create the tables, to be applied in the order of
// their names, each in one transaction. Each file also inserts its row into the
// table carrierfsm_schema. psql, goose and atlas can apply them; docs/postgres.md
// says how.
var Migrations = mustSub(embedded, "migrations")

func mustSub(files fs.FS, folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err)
	}
	return sub
}

// WithoutMigrate makes New leave the tables as they are. It then returns
// schema.ErrOlder, which says what to run, if they lack a migration.
func WithoutMigrate() Option { return func(s *Store) { s.withoutMigrate = true } }

// Migrate applies the migrations that the database of a configuration lacks, all in
// one transaction. It returns schema.ErrNewer for a database that needs a newer
// build, ErrUnusable for a server or a role with which it can't, and otherwise the
// driver's error. Programs that call it at the same time apply each migration once,
// and older replicas may go on working meanwhile.
//
// The role becomes the owner of the tables. The role of New needs no more than the
// rights to use them: its error has the statements that grant these.
func Migrate(ctx context.Context, config *pgxpool.Config) error {
	return withPool(ctx, config, func(s *Store) error { return s.migrate(ctx) })
}

// Versions returns the versions of the tables that this build or the database knows,
// in order, and which of them the database has. It only reads.
func Versions(ctx context.Context, config *pgxpool.Config) (list []schema.Version, err error) {
	err = withPool(ctx, config, func(s *Store) error {
		all, rows, err := readSchema(ctx, s.pool)
		list = all.Versions(rows)
		return err
	})
	return list, err
}

// CheckSchema returns nil if the tables have all migrations, schema.ErrOlder if they
// lack one, and schema.ErrNewer if they need a newer build. It only reads.
func (s *Store) CheckSchema(ctx context.Context) error {
	_, err := onConn(ctx, s, func(ctx context.Context, c *pgx.Conn) (struct{}, error) {
		return struct{}{}, checkSchema(ctx, c)
	})
	return err
}

// withPool calls f with a store that has a pool and nothing else.
func withPool(ctx context.Context, config *pgxpool.Config, f func(*Store) error) (err error) {
	if config == nil {
		return errors.New("carrierfsm/postgres: a configuration is needed")
	}
	s := &Store{logger: slog.New(slog.DiscardHandler)}
	if s.pool, err = s.openPool(ctx, config.Copy()); err != nil {
		return wrap(err)
	}
	defer s.pool.Close()
	return wrap(f(s))
}

// migrationLock is the advisory lock of migrations. This package uses no other
// advisory lock.
const migrationLock = 0x6361_7272_6665_736d

// querier is a pool, a connection or a transaction.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// migrate applies the migrations that the database lacks, all in one
// transaction. A database that lacks none is only read.
func (s *Store) migrate(ctx context.Context) error {
	if s.withoutMigrate {
		return checkSchema(ctx, s.pool)
	}
	if _, missing, err := missingMigrations(ctx, s.pool); err != nil || len(missing) == 0 {
		return err
	}
	// Read committed: after it got the lock, a replica must see what the one before it
	// has committed.
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		// Replicas that start together migrate one after the other. The lock ends with
		// the transaction.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		_, missing, err := missingMigrations(ctx, tx)
		if err != nil {
			return err
		}
		for _, m := range missing {
			// It has several statements, which pgx can send because there are no arguments.
			if _, err := tx.Exec(ctx, m.SQL); err != nil {
				return fmt.Errorf("%s: %w", m.File, err)
			}
		}
		return nil
	})
	return advised(err, "the role may not create or change the tables: call postgres.Migrate with their owner, or once with a role that may create them and then owns them")
}

func checkSchema(ctx context.Context, db querier) error {
	all, missing, err := missingMigrations(ctx, db)
	if err == nil && len(missing) > 0 {
		err = all.Older(missing, "postgres.Migrate")
	}
	return err
}

// missingMigrations returns the migrations of this build, and those that the
// database lacks.
func missingMigrations(ctx context.Context, db querier) (all, missing schema.Migrations, err error) {
	all, rows, err := readSchema(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	missing, err = all.Missing(rows)
	return all, missing, err
}

// schemaExists reads pg_class: to_regclass might return what the session has cached
// before it waited for migrationLock.
const schemaExists = `SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'carrierfsm_schema' AND pg_table_is_visible(oid)), quote_ident(current_user)`

// readVersions works with and without the column applied.
const readVersions = `SELECT version, least, (to_jsonb(s)->>'applied')::timestamptz FROM carrierfsm_schema s ORDER BY version`

// readSchema returns the migrations of this build, and the rows of a database.
func readSchema(ctx context.Context, db querier) (all schema.Migrations, rows []schema.Row, err error) {
	if all, err = schema.Read(Migrations); err != nil {
		return nil, nil, err
	}
	var exists bool
	var role string
	if err := db.QueryRow(ctx, schemaExists).Scan(&exists, &role); err != nil || !exists {
		return all, nil, err
	}
	rows, err = collect(ctx, db, func(row pgx.CollectableRow) (r schema.Row, err error) {
		var at *time.Time
		err = row.Scan(&r.Version, &r.Least, &at)
		r.At = orZero(at)
		return r, err
	}, readVersions)
	return all, rows, advised(err, "the role lacks a privilege: GRANT SELECT ON TABLE carrierfsm_schema TO "+role)
}
