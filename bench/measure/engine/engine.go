// Package engine is carrierfsm itself as a subject, on each of its stores, with only
// the store configured.
package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// Name is the subject's name in the report.
const Name = "carrierfsm"

// Kind returns the engine, with the commits and transitions of the recipe.
func Kind(r workload.Recipe) subject.Kind {
	return subject.Kind{
		Name:    Name,
		Media:   []subject.Medium{subject.Memory, subject.SQLiteFull, subject.SQLiteNormal, subject.Postgres},
		Commits: r.Commits, Transitions: r.Transitions,
		Open: Open,
	}
}

// Open opens the engine.
func Open(ctx context.Context, p subject.Storage) (subject.Subject, error) {
	store, closing, err := OpenStore(ctx, p)
	if err != nil {
		return nil, err
	}
	counted := &commitCounter{Store: store}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: counted, Upstream: workload.Upstream{}})
	if err != nil {
		return nil, errors.Join(err, closing())
	}
	return &engine{Machine: m, store: counted, closeStore: closing}, nil
}

// poolSize is the number of connections to PostgreSQL.
const poolSize = 10

// OpenStore opens a store as a host would, and returns a function to close it.
func OpenStore(ctx context.Context, p subject.Storage) (carrierfsm.Store, func() error, error) {
	switch p.Medium {
	case subject.Memory:
		return memory.New(), func() error { return nil }, nil
	case subject.Postgres:
		config, err := pgxpool.ParseConfig(p.DSN)
		if err != nil {
			return nil, nil, err
		}
		config.MaxConns = poolSize
		store, err := postgres.New(ctx, config)
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	default:
		var options []sqlite.Option
		if p.Medium == subject.SQLiteNormal {
			options = append(options, sqlite.SynchronousNormal())
		}
		store, err := sqlite.Open(ctx, p.File, options...)
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	}
}

type engine struct {
	*carrierfsm.Machine
	store      *commitCounter
	closeStore func() error
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	return workload.Plain(ctx, e.Machine, lap)
}

func (e *engine) Count(ctx context.Context) (left subject.Counts, err error) {
	left.Commits = int(e.store.commits.Load())
	list, err := e.List(ctx, carrierfsm.Query{Limit: 1_000_000})
	left.Verifications = len(list)
	for _, v := range list {
		if v.State == carrierfsm.Done {
			left.Done++
		}
		history, err := e.History(ctx, v.ID)
		if err != nil {
			return left, err
		}
		left.Transitions += len(history)
	}
	return left, err
}

func (e *engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(e.Machine.Close(ctx), e.closeStore())
}

// commitCounter counts the successful commits of a store.
type commitCounter struct {
	carrierfsm.Store
	commits atomic.Int64
}

func (c *commitCounter) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := c.Store.Create(ctx, r, entries...)
	if err == nil {
		c.commits.Add(1)
	}
	return err
}

func (c *commitCounter) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	err := c.Store.Commit(ctx, r, entries...)
	if err == nil {
		c.commits.Add(1)
	}
	return err
}
