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
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
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
	// CreatedFirst creates it first: one commit and two loads more.
	CreatedFirst = "carrierfsm, created first"
	// Sharded is on one or several shards, where each verification is on any of them.
	Sharded = "carrierfsm, sharded"
	// Balanced is Sharded with as many verifications under way on each shard.
	Balanced = "carrierfsm, sharded, in proportion"
	// Sealed seals all that is stored, bound to its place. It loads the record for each
	// submission.
	Sealed = "carrierfsm, sealed"
	// Budgeted counts the budgets of a number, another one for each verification.
	Budgeted = "carrierfsm, with budgets"
	// Counted runs the console's counters beside the verifications.
	Counted = "carrierfsm, with counters"
	// Whole seals, counts budgets and runs the counters.
	Whole = "carrierfsm, all on"
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
		kind(CreatedFirst, all, createdFirst, form{run: workload.CreatedFirst}.open),
		kind(Sharded, []subject.Medium{subject.OneShard, subject.Shards}, plain, Open),
		kind(Balanced, []subject.Medium{subject.Shards}, plain, form{balanced: true}.open),
		kind(Sealed, durable, plain, form{seals: true}.open),
		kind(Budgeted, durable, plain, form{budgets: true}.open),
		kind(Counted, durable, plain, form{counters: true}.open),
		kind(Whole, durable, plain, form{seals: true, budgets: true, counters: true}.open),
	}
}

// Open opens the engine.
func Open(ctx context.Context, p subject.Storage) (subject.Subject, error) {
	return form{}.open(ctx, p)
}

// form says which parts of the engine are switched on; zero: only its store.
type form struct {
	run                      workload.Run // defaults to workload.Plain
	seals, budgets, counters bool
	balanced                 bool // only on shards
}

func (f form) config() carrierfsm.Config {
	c := carrierfsm.Config{Numbers: budget.None(), Upstream: workload.Upstream{}}
	if f.seals {
		c.Sealer = newSealer()
	}
	if f.budgets {
		c.Numbers = newNumbers()
	}
	return c
}

// open opens the engine in this form.
func (f form) open(ctx context.Context, p subject.Storage) (_ subject.Subject, err error) {
	store, closing, err := OpenStore(ctx, p)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closing())
		}
	}()
	e := &engine{run: f.run, store: &commitCounter{Store: store}, closeStore: closing, stopCounters: func() error { return nil }}
	switch {
	case f.balanced:
		e.run = newBalance(store.(*sharded.Store)).verify
	case f.budgets:
		e.run = workload.OtherNumbers()
	case e.run == nil:
		e.run = workload.Plain
	}
	c := f.config()
	c.Store = e.store
	if e.Machine, err = carrierfsm.New(c); err != nil {
		return nil, err
	}
	if f.counters {
		e.stopCounters, err = runCounters(e.Machine, store)
	}
	return e, err
}

// runCounters runs the console's counters. The returned function stops them.
func runCounters(m *carrierfsm.Machine, s carrierfsm.Store) (stop func() error, err error) {
	delivers, _ := s.(outbox.Store)
	counts, ok := s.(figures.Store)
	if !ok || delivers == nil {
		return nil, errors.New("engine: the store has no outbox or no counts")
	}
	counters, err := figures.New(figures.Config{Store: counts})
	if err != nil {
		return nil, err
	}
	d, err := outbox.New(m, delivers, outbox.Config{
		Projections: []outbox.Projection{counters}, Starts: map[string]outbox.Start{counters.Name(): outbox.FromBeginning},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
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
	// stopCounters stops the counters, if they run.
	stopCounters func() error
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
	return errors.Join(e.stopCounters(), e.Machine.Close(ctx), e.closeStore())
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
