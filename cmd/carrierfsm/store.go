package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// store is what the command needs of a store.
type store interface {
	outbox.Store
	survey.Surveyor
	audit.Auditor
	acts.Log
	io.Closer
	AfterRestore(ctx context.Context) error
}

// checkStore refuses what names no store.
func checkStore(spec string) error {
	_, isFile := sqlitePath(spec)
	_, isPostgres := postgresDSN(spec)
	switch {
	case spec == "":
		return usage("which store? -store or %s is required", storeVariable)
	case strings.HasPrefix(spec, shardsPrefix):
		_, err := shardsOf(spec)
		return err
	case !isFile && !isPostgres:
		return usage("no store of this kind; there are sqlite:PATH, postgres://…, postgres:DSN and sharded:NAME=STORE NAME=STORE…") // its text may have a password
	}
	return nil
}

// postgresDSN returns the connection string of a store: "postgres://…", or what
// follows "postgres:", for instance "host=db dbname=verifications".
func postgresDSN(spec string) (dsn string, ok bool) {
	if strings.HasPrefix(spec, "postgres://") || strings.HasPrefix(spec, "postgresql://") {
		return spec, true
	}
	dsn, ok = strings.CutPrefix(spec, "postgres:")
	return dsn, ok && dsn != ""
}

// sqlitePath returns the path of "sqlite:path".
func sqlitePath(spec string) (path string, ok bool) {
	path, ok = strings.CutPrefix(spec, "sqlite:")
	return path, ok && path != ""
}

// openStore opens a store that has our tables. It creates and migrates nothing. A
// timeout above zero bounds each statement on a server.
func openStore(ctx context.Context, spec string, timeout time.Duration, log *slog.Logger) (store, error) {
	if err := checkStore(spec); err != nil {
		return nil, err
	}
	if shards, err := shardsOf(spec); err != nil {
		return nil, err
	} else if shards != nil {
		return openShards(ctx, shards, timeout, log, false)
	}
	if path, isFile := sqlitePath(spec); isFile {
		if err := mustBeOurs(ctx, path); err != nil {
			return nil, err
		}
		s, err := sqlite.Open(ctx, path, sqlite.WithoutMigrate())
		return s, advised(err)
	}
	config, err := postgresConfig(spec)
	if err != nil {
		return nil, err
	}
	options := []postgres.Option{postgres.WithoutMigrate(), postgres.WithLogger(log)}
	if timeout > 0 {
		options = append(options, postgres.WithTimeout(timeout))
	}
	s, err := postgres.New(ctx, config, options...)
	return s, advised(err)
}

// mustBeWhole refuses a database that is one of several shards: opened by itself, it is not
// asked whether it is the shard's present place.
func mustBeWhole(ctx context.Context, s store) error {
	one, ok := s.(sharded.Member)
	if !ok {
		return nil
	}
	name, _, _, err := one.Shard(ctx)
	if err == nil && name != "" {
		err = usage("the database is the shard %s; name all shards: -store \"sharded:%s=STORE NAME=STORE…\"", name, name)
	}
	return err
}

// advised adds what to run to the error of a store that lacks migrations.
func advised(err error) error {
	if errors.Is(err, schema.ErrOlder) {
		return fmt.Errorf("%w; or run carrierfsm migrate up", err)
	}
	return err
}

func postgresConfig(spec string) (*pgxpool.Config, error) {
	dsn, _ := postgresDSN(spec)
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil { // its text contains the address without the password
		return nil, usage("-store: %w", err)
	}
	return config, nil
}

// mustBeOurs returns an error unless the file is a database that has our tables.
func mustBeOurs(ctx context.Context, path string) error {
	ours, err := isOurs(ctx, path)
	if err == nil && !ours {
		err = usage("%s has no tables of carrierfsm; carrierfsm migrate up -create makes them", path)
	}
	return err
}

// isOurs reports whether a file is a database that has our tables. It writes
// nothing: opening another program's database in the usual way would change its mode.
func isOurs(ctx context.Context, path string) (ours bool, err error) {
	if err := mustBeFile(path); err != nil {
		return false, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro")
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }()
	const query = `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'carrierfsm_schema')`
	if err := db.QueryRowContext(ctx, query).Scan(&ours); err != nil {
		return false, fmt.Errorf("%s can't be read as a database: %w", path, err)
	}
	return ours, nil
}

// mustBeFile returns an error that matches errUsage unless there is a file.
func mustBeFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usage("%s does not exist, and is not created; carrierfsm migrate up -create creates it", path)
	case err != nil:
		return usage("-store: %w", err)
	case info.IsDir():
		return usage("%s is a folder", path)
	}
	return nil
}
