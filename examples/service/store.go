package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// store is what the service needs of a store: its console shows figures and logs acts.
type store interface {
	outbox.Store
	figures.Store
	acts.Log
}

// openStore opens the store of the flag -store, and returns a function to close it.
func openStore(ctx context.Context, spec string, logger *slog.Logger) (store, func(), error) {
	path, isFile := sqlitePath(spec)
	switch {
	case spec == "memory":
		s := memory.New()
		return s, func() { _ = s.Close() }, nil
	case isFile:
		s, err := sqlite.Open(ctx, path)
		if err != nil {
			return nil, nil, fmt.Errorf("can't open the database: %w: %w", err, errUsage)
		}
		return s, func() { _ = s.Close() }, nil
	case isPostgres(spec):
		s, err := postgres.Open(ctx, spec, postgres.WithLogger(logger))
		if err != nil { // its text contains the address without the password
			return nil, nil, fmt.Errorf("can't open the database: %w: %w", err, errUsage)
		}
		return s, func() { _ = s.Close() }, nil
	}
	return nil, nil, checkStore(spec)
}

// checkStore refuses a value of the flag -store that names no store.
func checkStore(spec string) error {
	if _, isFile := sqlitePath(spec); spec == "memory" || isFile || isPostgres(spec) {
		return nil
	}
	return fmt.Errorf("no store %q; there are memory, sqlite:path and postgres://…: %w", spec, errUsage)
}

func isPostgres(spec string) bool {
	return strings.HasPrefix(spec, "postgres://") || strings.HasPrefix(spec, "postgresql://")
}

// sqlitePath returns the path of "sqlite:path".
func sqlitePath(spec string) (path string, ok bool) {
	path, ok = strings.CutPrefix(spec, "sqlite:")
	return path, ok && path != ""
}
