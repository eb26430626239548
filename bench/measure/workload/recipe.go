package workload

import (
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// Recipe has the operations of a store for one plain verification, with their
// records. The baseline runs the same operations without the engine.
type Recipe struct {
	// Ops are the operations in order.
	Ops []Op
	// Transitions, Commits and Loads are their numbers; a creation is a commit.
	Transitions, Commits, Loads int
	begun                       time.Time
}

// Op is one call of a store, or a lap.
type Op struct {
	What    What
	Record  carrierfsm.Record
	Entries []carrierfsm.Entry
}

// What an Op is.
type What int

// The kinds of Op.
const (
	Create What = iota
	Load
	Commit
	Lap
)

// Record runs one plain verification on the engine and records its operations.
func Record(ctx context.Context, run Run) (Recipe, error) {
	r := &recorder{Store: memory.New(), recipe: Recipe{begun: time.Now()}}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: r, Upstream: Upstream{}})
	if err != nil {
		return Recipe{}, err
	}
	err = run(ctx, m, func() { r.recipe.Ops = append(r.recipe.Ops, Op{What: Lap}) })
	return r.recipe, err
}

// WithoutLoads returns the recipe of a service that keeps between two submissions all
// that it knows.
func (r Recipe) WithoutLoads() Recipe {
	r.Ops = slices.DeleteFunc(slices.Clone(r.Ops), func(op Op) bool { return op.What == Load })
	r.Loads = 0
	return r
}

// Instance returns the operations for a new verification that begins now. The bodies
// stay those of the recorded one.
func (r Recipe) Instance(id string, commit func() [16]byte) []Op {
	shift := time.Since(r.begun).Truncate(time.Microsecond)
	ops := make([]Op, len(r.Ops))
	for i, op := range r.Ops {
		op.Record = shifted(op.Record, id, shift)
		if op.What == Create || op.What == Commit {
			op.Record.CommitID = commit()
		}
		entries := make([]carrierfsm.Entry, len(op.Entries))
		for j, e := range op.Entries {
			e.ID, e.At = id, e.At.Add(shift)
			entries[j] = e
		}
		op.Entries = entries
		ops[i] = op
	}
	return ops
}

func shifted(r carrierfsm.Record, id string, shift time.Duration) carrierfsm.Record {
	r.ID = id
	for _, t := range []*time.Time{&r.Due, &r.Created, &r.Updated} {
		if !t.IsZero() {
			*t = t.Add(shift)
		}
	}
	return r
}

// recorder records the operations of a store.
type recorder struct {
	carrierfsm.Store
	recipe Recipe
}

func (r *recorder) Create(ctx context.Context, rec carrierfsm.Record, entries ...carrierfsm.Entry) error {
	r.add(Create, rec, entries)
	return r.Store.Create(ctx, rec, entries...)
}

func (r *recorder) Commit(ctx context.Context, rec carrierfsm.Record, entries ...carrierfsm.Entry) error {
	r.add(Commit, rec, entries)
	return r.Store.Commit(ctx, rec, entries...)
}

func (r *recorder) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	rec, err := r.Store.Load(ctx, id)
	r.recipe.Loads++
	r.recipe.Ops = append(r.recipe.Ops, Op{What: Load, Record: rec})
	return rec, err
}

// add records an operation. It copies the slices, which belong to the caller.
func (r *recorder) add(what What, rec carrierfsm.Record, entries []carrierfsm.Entry) {
	rec.Body, entries = slices.Clone(rec.Body), slices.Clone(entries)
	for i := range entries {
		entries[i].Detail = slices.Clone(entries[i].Detail)
	}
	r.recipe.Commits++
	r.recipe.Transitions += len(entries)
	r.recipe.Ops = append(r.recipe.Ops, Op{What: what, Record: rec, Entries: entries})
}
