// Package engine is carrierfsm itself as a subject, on each of its stores, with only
// the store configured.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/seal"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// The names of the subjects in the report.
const (
	// Name begins a verification with its form.
	Name = "carrierfsm"
	// CreatedFirst creates it first: one commit and one load more.
	CreatedFirst = "carrierfsm, created first"
	// Sharded is on one or several shards.
	Sharded = "carrierfsm, sharded"
	// Sealed seals all that is stored, bound to its place. It loads the record for each
	// submission.
	Sealed = "carrierfsm, sealed"
	// Budgeted counts the budgets of a number, another one for each verification.
	Budgeted = "carrierfsm, with budgets"
)

// Kinds returns the engine in its forms, with the commits and transitions of their
// recipes.
func Kinds(plain, createdFirst workload.Recipe) []subject.Kind {
	durable := []subject.Medium{subject.SQLiteFull, subject.Postgres}
	all := append([]subject.Medium{subject.Memory, subject.SQLiteNormal}, durable...)
	kind := func(name string, media []subject.Medium, r workload.Recipe, open func(context.Context, subject.Storage) (subject.Subject, error)) subject.Kind {
		return subject.Kind{Name: name, Media: media, Commits: r.Commits, Transitions: r.Transitions, Open: open}
	}
	return []subject.Kind{
		kind(Name, all, plain, Open),
		kind(CreatedFirst, all, createdFirst, opening(workload.CreatedFirst, carrierfsm.Config{Numbers: budget.None()})),
		kind(Sharded, []subject.Medium{subject.OneShard, subject.Shards}, plain, Open),
		kind(Sealed, durable, plain, opening(workload.Plain, carrierfsm.Config{Numbers: budget.None(), Sealer: newSealer()})),
		kind(Budgeted, durable, plain, opening(workload.OtherNumbers(), carrierfsm.Config{Numbers: newNumbers()})),
	}
}

// Open opens the engine.
func Open(ctx context.Context, p subject.Storage) (subject.Subject, error) {
	return opening(workload.Plain, carrierfsm.Config{Numbers: budget.None()})(ctx, p)
}

// opening returns a function that opens the engine with this configuration.
func opening(run workload.Run, c carrierfsm.Config) func(context.Context, subject.Storage) (subject.Subject, error) {
	return func(ctx context.Context, p subject.Storage) (subject.Subject, error) {
		store, closing, err := OpenStore(ctx, p)
		if err != nil {
			return nil, err
		}
		counted := &commitCounter{Store: store}
		c.Store, c.Upstream = counted, workload.Upstream{}
		m, err := carrierfsm.New(c)
		if err != nil {
			return nil, errors.Join(err, closing())
		}
		return &engine{Machine: m, run: run, store: counted, closeStore: closing}, nil
	}
}

func newSealer() carrierfsm.Sealer {
	s, err := seal.New(seal.Key{ID: "bench", Key: carrierfsm.NewSecret("0123456789abcdef0123456789abcdef")})
	if err != nil {
		panic(err) // the key is right
	}
	return s
}

func newNumbers() budget.Numbers {
	n, err := budget.NewNumbers([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		panic(err) // the secret is long enough
	}
	return n
}

// poolSize is the number of connections to PostgreSQL.
const poolSize = 10

// OpenStore opens a store as a host would, and returns a function to close it.
func OpenStore(ctx context.Context, p subject.Storage) (carrierfsm.Store, func() error, error) {
	switch p.Medium {
	case subject.Memory:
		return memory.New(), func() error { return nil }, nil
	case subject.Postgres:
		store, err := openPostgres(ctx, p.DSN)
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	case subject.OneShard, subject.Shards:
		store, err := openShards(ctx, p.Shards)
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

func openPostgres(ctx context.Context, dsn string) (*postgres.Store, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = poolSize
	return postgres.New(ctx, config)
}

func openShards(ctx context.Context, dsns []string) (*sharded.Store, error) {
	c := sharded.Config{Create: true, MaxInFlight: maxInFlight}
	for i, dsn := range dsns {
		store, err := openPostgres(ctx, dsn)
		if err != nil {
			return nil, err
		}
		c.Shards = append(c.Shards, sharded.Shard{Name: fmt.Sprint("shard", i), Store: store})
	}
	return sharded.New(ctx, c)
}

// maxInFlight is more than there are drivers.
const maxInFlight = 10_000

type engine struct {
	*carrierfsm.Machine
	run        workload.Run
	store      *commitCounter
	closeStore func() error
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	ctx, cancel := context.WithCancel(ctx) // a host's context can end
	defer cancel()
	return e.run(ctx, e.Machine, lap)
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
