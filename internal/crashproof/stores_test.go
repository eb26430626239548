package crashproof_test

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// The stores of a round.
const (
	inSQLite   = "sqlite"
	inPostgres = "postgres"
)

// connections is how many a replica has at most.
const connections = 6

// openStore opens a store as a host would, with full durability. The caller calls done
// at the end.
func openStore(ctx context.Context, kind, source, sabotage string) (s outbox.Store, done func(), err error) {
	switch kind {
	case inSQLite:
		s, err := sqlite.Open(ctx, source) // FULL
		if err != nil {
			return nil, nil, err
		}
		return s, func() { _ = s.Close() }, nil
	case inPostgres:
		config, err := pgxpool.ParseConfig(source)
		if err != nil {
			return nil, nil, err
		}
		config.MaxConns = connections
		if sabotage == lazySabotage {
			config.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
		}
		s, err := postgres.New(ctx, config)
		if err != nil {
			return nil, nil, err
		}
		return s, func() { _ = s.Close() }, nil
	default:
		return nil, nil, errors.New("unknown store: " + kind)
	}
}

// open opens the store of a replica.
func (s settings) open(ctx context.Context) (outbox.Store, func(), error) {
	if len(s.Shards) > 0 {
		return openShards(ctx, s.Shards, s.Sabotage, false)
	}
	return openStore(ctx, s.Store, s.Source, s.Sabotage)
}

// insistOnStore opens a store, and tries again while the server is stopped.
func insistOnStore(ctx context.Context, set settings) (outbox.Store, error) {
	for {
		s, _, err := set.open(ctx)
		if err == nil || set.Store != inPostgres {
			return s, err
		}
		rest(ctx, 20*time.Millisecond)
	}
}
