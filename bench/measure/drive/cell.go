package drive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Measure opens a subject, drives it and closes it. The sample also has the growth of
// its storage and of the process.
func Measure(ctx context.Context, k subject.Kind, p subject.Storage, o Options) (_ Sample, err error) {
	empty, _ := RSS()
	s, err := k.Open(ctx, p)
	if err != nil {
		return Sample{}, fmt.Errorf("opening %s: %w", k.Name, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, dsn := range servers(p) {
		pid, err := Postmaster(ctx, dsn)
		if err != nil {
			return Sample{}, err
		}
		o.Servers = append(o.Servers, pid)
	}
	before, err := stored(ctx, p) // without a vacuum: the server would take the tables for small ones until it looks again
	if err != nil {
		return Sample{}, err
	}
	sample, err := Drive(ctx, s, o)
	if err != nil {
		return sample, fmt.Errorf("driving %s: %w", k.Name, err)
	}
	after, err := Stored(ctx, p)
	sample.Stored = after - before
	_, peak := RSS()
	sample.RSS = peak - empty
	return sample, err
}

// servers returns the connection strings of the database servers.
func servers(p subject.Storage) []string {
	switch {
	case p.Medium == subject.Postgres:
		return []string{p.DSN}
	case p.Medium.Sharded():
		return p.Shards
	default:
		return nil
	}
}

// Stored returns the size of storage: the pages of a file; or a database without free
// space, after a vacuum, which PostgreSQL also does by itself at times.
func Stored(ctx context.Context, p subject.Storage) (int64, error) {
	if p.Medium == subject.Postgres {
		vacuum := func(c *pgx.Conn) error {
			_, err := c.Exec(ctx, "VACUUM", pgx.QueryExecModeSimpleProtocol)
			return err
		}
		if err := onServer(ctx, p.DSN, vacuum); err != nil {
			return 0, err
		}
	}
	return stored(ctx, p)
}

// stored is Stored without the vacuum, which finds the free space.
func stored(ctx context.Context, p subject.Storage) (int64, error) {
	switch {
	case p.Medium.SQLite():
		return filePages(ctx, p.File)
	case p.Medium == subject.Postgres:
		return databaseUsed(ctx, p.DSN)
	default:
		return 0, nil
	}
}

const sizeUsed = `SELECT pg_database_size(current_database()) - coalesce(sum(f.avail), 0)::bigint
	FROM pg_class c, pg_freespace(c.oid) f WHERE c.relkind IN ('r', 'i', 't', 'm') AND c.oid >= 16384`

func databaseUsed(ctx context.Context, dsn string) (size int64, err error) {
	err = onServer(ctx, dsn, func(c *pgx.Conn) error {
		if _, err := c.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_freespacemap", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return c.QueryRow(ctx, sizeUsed).Scan(&size)
	})
	return size, err
}

func filePages(ctx context.Context, path string) (size int64, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, `SELECT page_count * page_size FROM pragma_page_count, pragma_page_size`).Scan(&size)
	return size, err
}

// Postmaster returns the process id of the server's first process: the parent of a
// backend.
func Postmaster(ctx context.Context, dsn string) (pid int, err error) {
	err = onServer(ctx, dsn, func(c *pgx.Conn) error {
		s, err := statOf(int(c.PgConn().PID()))
		pid = s.parent
		return err
	})
	return pid, err
}

func onServer(ctx context.Context, dsn string, f func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.Close(ctx))
}
