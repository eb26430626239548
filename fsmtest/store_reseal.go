package fsmtest

import (
	"bytes"
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
)

// resealer is a further power of a Store: see carrierfsm.Machine.Reseal.
type resealer interface {
	Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error
}

var resealCases = []storeCase{
	{"Reseal", "Reseal, where a store has it, checks as Commit does, and replaces the details of the given steps and nothing else", reseals},
}

func reseals(b *storeBench) error {
	store, ok := b.Store.(resealer)
	if !ok {
		return nil
	}
	r, err := b.create("v1", 3)
	if err != nil {
		return err
	}
	other, err := b.create("v2", 3)
	if err != nil {
		return err
	}
	before, err := b.Store.History(b.ctx, r.ID, 0, 10)
	if err != nil {
		return err
	}
	after, _ := nextAfter(r)
	after.Step = r.Step
	detail := carrierfsm.Entry{ID: r.ID, Step: 2, From: "ignored", Detail: []byte("resealed")}
	wrong, late := after, after
	wrong.Previous[0] ^= 1
	late.Version++
	unknown := carrierfsm.Record{ID: "unknown", State: r.State, Version: 2, Created: r.Created, Updated: r.Updated}
	if err := first(
		want("Reseal after another commit", store.Reseal(b.ctx, wrong, detail), carrierfsm.ErrConflict),
		want("Reseal of a later version", store.Reseal(b.ctx, late, detail), carrierfsm.ErrConflict),
		want("Reseal of an unknown id", store.Reseal(b.ctx, unknown), carrierfsm.ErrNotFound),
		b.stores(r), b.detailed(r.ID, 3),
		store.Reseal(b.ctx, after, detail), b.storesAfter(after), b.detailed(other.ID, 3),
	); err != nil {
		return err
	}
	history, err := b.Store.History(b.ctx, r.ID, 0, 10)
	if err != nil {
		return err
	}
	for i, e := range history {
		expected := before[i]
		if e.Step == 2 {
			expected.Detail = detail.Detail
		}
		if !bytes.Equal(e.Detail, expected.Detail) || e.From != expected.From || e.Position != expected.Position {
			return fmt.Errorf("after Reseal entry %d is %+v", e.Step, e)
		}
	}
	return nil
}
