package shards

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// Statements has what the shards executed while verifications of one of them ran.
type Statements struct {
	Verifications int
	// Own are the statements of the shard that has them, and Others those of all others.
	Own, Others int64
}

// CountStatements runs verifications of the first of several shards, and counts the
// statements of each shard.
func (p *Primaries) CountStatements(ctx context.Context, of, verifications int) (s Statements, err error) {
	s.Verifications = verifications
	for _, dsn := range p.Storage(of, 1).Shards {
		if err := execute(ctx, dsn, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"); err != nil {
			return s, err
		}
	}
	m, store, closing, err := p.openMachine(ctx, of)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closing()) }()
	if err := p.track(ctx, of, "top"); err != nil {
		return s, err
	}
	for range verifications {
		if err := workload.PlainWith(ctx, m, idOf(store, 0)); err != nil {
			return s, err
		}
	}
	counts, err := p.calls(ctx, of)
	if err != nil {
		return s, err
	}
	for i, n := range counts {
		if i == 0 {
			s.Own = n
		} else {
			s.Others += n
		}
	}
	return s, p.track(ctx, of, "none")
}

// openMachine opens a machine on the first shards. The returned function closes both.
func (p *Primaries) openMachine(ctx context.Context, of int) (*carrierfsm.Machine, *sharded.Store, func() error, error) {
	store, closing, err := engine.OpenStore(ctx, p.Storage(of, 1))
	if err != nil {
		return nil, nil, nil, err
	}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, nil, nil, errors.Join(err, closing())
	}
	return m, store.(*sharded.Store), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(m.Close(ctx), closing())
	}, nil
}

// idOf returns a new id of a shard.
func idOf(s *sharded.Store, shard int) string {
	for {
		if id := s.PlaceID(uuid.NewString(), ""); s.ShardOf(id) == shard {
			return id
		}
	}
}

// track has the servers count the statements of clients, or not. A connection learns of
// it with its next statement.
func (p *Primaries) track(ctx context.Context, of int, which string) error {
	for _, dsn := range p.Storage(of, 1).Shards {
		err := execute(ctx, dsn, "ALTER SYSTEM SET pg_stat_statements.track = '"+which+"'", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.2)", "SELECT pg_stat_statements_reset()")
		if err != nil {
			return err
		}
	}
	return nil
}

// countCalls leaves out this program's own statements.
const countCalls = `SELECT coalesce(sum(s.calls), 0)::bigint FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
	WHERE d.datname = current_database() AND s.query NOT LIKE '%pg_stat_statements%'`

// calls returns the number of statements of each shard since track.
func (p *Primaries) calls(ctx context.Context, of int) (list []int64, err error) {
	for _, dsn := range p.Storage(of, 1).Shards {
		c, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return nil, err
		}
		var n int64
		err = c.QueryRow(ctx, countCalls).Scan(&n)
		if err = errors.Join(err, c.Close(ctx)); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, nil
}
