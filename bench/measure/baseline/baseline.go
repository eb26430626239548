// Package baseline is the fastest known way to do the work that the engine requires
// of its store: the same loads and commits, by SQL written by hand for this alone.
// It checks versions and counts rows, and makes no decisions.
//
// The tables have the size and the indexes of the engine's. The statements assume
// that ids are new and that there are no other writers.
package baseline

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// The names of the baselines.
const (
	Alone   = "by hand, a transaction each"
	Grouped = "by hand, grouped"
	// CreatedFirst repeats the other form of a verification, grouped, and its loads too.
	CreatedFirst = "by hand, grouped, created first"
	// Less and More are Grouped with work of the drivers' own before each commit: what the
	// target of the CPU leaves for it, and about what the engine needs.
	Less = "by hand, grouped, with 10 µs of work"
	More = "by hand, grouped, with 25 µs of work"
)

// workOf is how long a driver works before each commit.
var workOf = map[string]time.Duration{Less: 10 * time.Microsecond, More: 25 * time.Microsecond}

// Kinds returns the baselines of both forms of a verification.
func Kinds(plain, createdFirst workload.Recipe) []subject.Kind {
	files := []subject.Medium{subject.SQLiteFull, subject.SQLiteNormal}
	server := []subject.Medium{subject.Postgres}
	durable := []subject.Medium{subject.SQLiteFull, subject.Postgres}
	kind := func(name string, r workload.Recipe, media []subject.Medium, open func(context.Context, subject.Storage) (store, error)) subject.Kind {
		return subject.Kind{
			Name: name, Media: media, Commits: r.Commits, Transitions: r.Transitions,
			Open: func(ctx context.Context, p subject.Storage) (subject.Subject, error) {
				s, err := open(ctx, p)
				if err != nil {
					return nil, err
				}
				return &baseline{recipe: r, store: s, work: workOf[name]}, nil
			},
		}
	}
	return []subject.Kind{
		kind(Alone, plain, files, openSQLite(false)),
		kind(Grouped, plain, files, openSQLite(true)),
		kind(Alone, plain, server, openPostgres(batching{})),
		kind(Grouped, plain, server, openPostgres(batching{writes: true})),
		kind(Less, plain, durable, openEither), kind(More, plain, durable, openEither),
		kind(CreatedFirst, createdFirst, files, openSQLite(true)),
		kind(CreatedFirst, createdFirst, server, openPostgres(batching{writes: true, loads: true})),
	}
}

// openEither opens the store of Grouped.
func openEither(ctx context.Context, p subject.Storage) (store, error) {
	if p.Medium == subject.Postgres {
		return openPostgres(batching{writes: true})(ctx, p)
	}
	return openSQLite(true)(ctx, p)
}

// store runs the operations of a recipe.
type store interface {
	// write creates a record, or commits the next version of one.
	write(ctx context.Context, op *workload.Op) error
	// load reads all columns of a record.
	load(ctx context.Context, id string) (carrierfsm.Record, error)
	count(ctx context.Context) (subject.Counts, error)
	close() error
}

var errVersion = errors.New("baseline: unexpected version or body")

// baseline is a subject that runs the recipe on a store.
type baseline struct {
	recipe workload.Recipe
	store  store
	work   time.Duration // before each commit
}

func (b *baseline) Verify(ctx context.Context, lap func()) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	ops := b.recipe.Instance(id.String(), commitID)
	for i := range ops {
		switch op := &ops[i]; op.What {
		case workload.Create, workload.Commit:
			compute(b.work)
			err = b.store.write(ctx, op)
		case workload.Load:
			err = b.check(ctx, op.Record)
		case workload.Lap:
			lap()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compute uses a processor for so long.
func compute(d time.Duration) {
	if d == 0 {
		return
	}
	for begun := time.Now(); time.Since(begun) < d; {
		continue
	}
}

// check loads a record and compares it with the one that was written.
func (b *baseline) check(ctx context.Context, want carrierfsm.Record) error {
	got, err := b.store.load(ctx, want.ID)
	if err == nil && (got.Version != want.Version || !bytes.Equal(got.Body, want.Body)) {
		err = fmt.Errorf("%w: loaded %d instead of %d", errVersion, got.Version, want.Version)
	}
	return err
}

func (b *baseline) Count(ctx context.Context) (subject.Counts, error) { return b.store.count(ctx) }
func (b *baseline) Close() error                                      { return b.store.close() }

func commitID() (id [16]byte) {
	_, _ = rand.Read(id[:]) // never fails, by its contract
	return id
}

// micros returns a time in the form that is stored; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
