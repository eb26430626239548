package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// store is what the service needs of a store: its console shows figures and logs acts.
type store interface {
	outbox.Store
	figures.Store
	acts.Log
}

// openStore opens the store of the flag -store, and returns a function to close it. create is
// the flag -create-shards.
func openStore(ctx context.Context, spec string, create bool, logger *slog.Logger) (store, func(), error) {
	shards, err := shardsOf(spec)
	if err != nil || shards == nil && checkStore(spec) != nil {
		return nil, nil, cmp.Or(err, checkStore(spec))
	}
	if shards != nil {
		return openShards(ctx, shards, create, logger)
	}
	s, err := openDatabase(ctx, spec, logger)
	if err != nil {
		return nil, nil, err
	}
	// By itself, a shard would not be asked whether it has moved.
	if name, _, _, err := s.Shard(ctx); err != nil || name != "" {
		_ = s.Close()
		if err == nil {
			err = fmt.Errorf("it is the shard %s; name all: sharded:%s=store name=store…", name, name)
		}
		return nil, nil, fmt.Errorf("can't use the database: %w: %w", err, errUsage)
	}
	return s, func() { _ = s.Close() }, nil
}

// database is a store that can be a shard.
type database interface {
	store
	sharded.Member
	io.Closer
}

// openDatabase opens a store that is not several shards.
func openDatabase(ctx context.Context, spec string, logger *slog.Logger) (s database, err error) {
	path, isFile := sqlitePath(spec)
	switch {
	case spec == "memory":
		return memory.New(), nil
	case isFile:
		s, err = sqlite.Open(ctx, path)
	default:
		s, err = postgres.Open(ctx, spec, postgres.WithLogger(logger)) // its error contains the address without the password
	}
	if err != nil {
		return nil, fmt.Errorf("can't open the database: %w: %w", err, errUsage)
	}
	return s, nil
}

// openShards opens the databases of several shards as one store. If create is true it writes
// into new databases which shards they are. Later that is false, so that an empty database
// is not taken for a shard: see sharded.Config.Create.
func openShards(ctx context.Context, shards []shard, create bool, logger *slog.Logger) (store, func(), error) {
	c := sharded.Config{Create: create, Logger: logger}
	for _, one := range shards {
		// Opened when it answers: the service starts while one of them is down.
		c.Shards = append(c.Shards, sharded.Shard{Name: one.name, Open: func(ctx context.Context) (sharded.Member, error) {
			return openDatabase(ctx, one.spec, logger) // the sharded store closes it
		}})
	}
	s, err := sharded.New(ctx, c)
	if err != nil {
		return nil, nil, fmt.Errorf("can't use the databases as shards: %w: %w", err, errUsage)
	}
	return s, func() { _ = s.Close() }, nil
}

// checkStore refuses a value of the flag -store that names no store.
func checkStore(spec string) error {
	if _, isFile := sqlitePath(spec); spec == "memory" || isFile || isPostgres(spec) {
		return nil
	}
	if shards, err := shardsOf(spec); shards != nil || err != nil {
		return err
	}
	return fmt.Errorf("no store %q; there are memory, sqlite:path, postgres://… and sharded:name=store name=store…: %w", spec, errUsage)
}

// shard is one of several stores, as the flag -store names it.
type shard struct{ name, spec string }

// shardsOf returns the shards of "sharded:a=postgres://… b=postgres://…"; nil where the
// flag names no shards.
func shardsOf(spec string) (list []shard, err error) {
	text, ok := strings.CutPrefix(spec, "sharded:")
	if !ok {
		return nil, nil
	}
	for _, word := range strings.Fields(text) {
		name, of, _ := strings.Cut(word, "=")
		if strings.HasPrefix(of, "sharded:") || checkStore(of) != nil {
			return nil, fmt.Errorf("the shard %q is none of memory, sqlite:path and postgres://…: %w", name, errUsage)
		}
		list = append(list, shard{name, of})
	}
	if len(list) == 0 {
		err = fmt.Errorf("sharded: names no shards: %w", errUsage)
	}
	return list, err
}

// isShared reports whether several replicas may use a store.
func isShared(spec string) bool {
	shards, _ := shardsOf(spec)
	return isPostgres(spec) || slices.ContainsFunc(shards, func(one shard) bool { return isPostgres(one.spec) })
}

func isPostgres(spec string) bool {
	return strings.HasPrefix(spec, "postgres://") || strings.HasPrefix(spec, "postgresql://")
}

// sqlitePath returns the path of "sqlite:path".
func sqlitePath(spec string) (path string, ok bool) {
	path, ok = strings.CutPrefix(spec, "sqlite:")
	return path, ok && path != ""
}
