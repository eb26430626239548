// Package limit is the limit that a machine sets: what the engine asks of its
// store, carried out by SQL written by hand for nothing else, in the best form
// known. It checks versions and counts rows, and decides nothing.
//
// The tables are as large and have the same indexes as the engine's; the
// statements know that ids are new and that nobody else writes.
package limit

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

// The names of the limits.
const (
	Alone   = "by hand, a transaction each"
	Grouped = "by hand, grouped"
	Batched = "by hand, grouped, loads too"
)

// Kinds are the limits.
func Kinds(r workload.Recipe) []subject.Kind {
	files := []subject.Medium{subject.SQLiteFull, subject.SQLiteNormal}
	server := []subject.Medium{subject.Postgres}
	kind := func(name string, media []subject.Medium, open func(context.Context, subject.Place) (store, error)) subject.Kind {
		return subject.Kind{
			Name: name, Media: media, Commits: r.Commits, Transitions: r.Transitions,
			Open: func(ctx context.Context, p subject.Place) (subject.Subject, error) {
				s, err := open(ctx, p)
				if err != nil {
					return nil, err
				}
				return &byHand{recipe: r, store: s}, nil
			},
		}
	}
	return []subject.Kind{
		kind(Alone, files, openSQLite(false)),
		kind(Grouped, files, openSQLite(true)),
		kind(Alone, server, openPostgres(groups{})),
		kind(Grouped, server, openPostgres(groups{writes: true})),
		kind(Batched, server, openPostgres(groups{writes: true, loads: true})),
	}
}

// store is what carries out a recipe.
type store interface {
	// write creates a record, or commits the next version of one.
	write(ctx context.Context, op *workload.Op) error
	// load reads a record whole.
	load(ctx context.Context, id string) (carrierfsm.Record, error)
	left(ctx context.Context) (subject.Left, error)
	close() error
}

var errVersion = errors.New("limit: another version or body than expected")

// byHand is a store that the recipe is carried out on.
type byHand struct {
	recipe workload.Recipe
	store  store
}

func (b *byHand) Verify(ctx context.Context, lap func()) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	ops := b.recipe.For(id.String(), commitID)
	for i := range ops {
		switch op := &ops[i]; op.What {
		case workload.Create, workload.Commit:
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

// check loads a record and sees that it is what was written.
func (b *byHand) check(ctx context.Context, want carrierfsm.Record) error {
	got, err := b.store.load(ctx, want.ID)
	if err == nil && (got.Version != want.Version || !bytes.Equal(got.Body, want.Body)) {
		err = fmt.Errorf("%w: loaded %d instead of %d", errVersion, got.Version, want.Version)
	}
	return err
}

func (b *byHand) Left(ctx context.Context) (subject.Left, error) { return b.store.left(ctx) }
func (b *byHand) Close() error                                   { return b.store.close() }

func commitID() (id [16]byte) {
	_, _ = rand.Read(id[:]) // never fails, by its contract
	return id
}

// micros is a time as it is stored; 0 is the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
