package fsmtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/carrierfsm/carrierfsm"
)

var previousCases = []storeCase{
	{"CommitCheck", "Commit and Erase return ErrConflict and change nothing unless the stored commit id is Previous, or Previous is zero", commitCheck},
	{"CommitCheckReused", "a commit to a record that was purged does not change a new record of the same id and version", commitCheckReused},
	{"CommitCheckTogether", "of concurrent commits to several records those with another Previous fail, and the others do not", commitCheckTogether},
}

// nextAfter is next for a commit that must replace r itself.
func nextAfter(r carrierfsm.Record) (carrierfsm.Record, carrierfsm.Entry) {
	after, e := next(r)
	after.Previous = r.CommitID
	return after, e
}

// storesAfter is stores for a record as it was committed.
func (b *storeBench) storesAfter(r carrierfsm.Record) error {
	r.Previous = [16]byte{} // not stored
	return b.stores(r)
}

func commitCheck(b *storeBench) error {
	for _, key := range []string{"", "key-of-v"} { // a store may have another statement for each
		r := record("v" + key)
		r.Key = key
		r, err := b.put(r, 1)
		if err != nil {
			return err
		}
		for i := range r.CommitID {
			wrong, e := nextAfter(r)
			wrong.Previous[i] ^= 0x80
			if err := first(
				want("Commit after another commit", b.Store.Commit(b.ctx, wrong, e), carrierfsm.ErrConflict),
				want("Commit without entries after another commit", b.Store.Commit(b.ctx, wrong), carrierfsm.ErrConflict),
				want("Erase after another commit", b.Store.Erase(b.ctx, wrong, e), carrierfsm.ErrConflict),
				b.stores(r), b.detailed(r.ID, 1),
			); err != nil {
				return err
			}
		}
		late, e := nextAfter(r)
		late.Version++
		if err := want("Commit of a later version", b.Store.Commit(b.ctx, late, e), carrierfsm.ErrConflict); err != nil {
			return err
		}
		for n := range 3 { // with one entry, with two, with none
			var entries []carrierfsm.Entry
			after := r
			for range (n + 1) % 3 {
				after, e = nextAfter(after)
				entries = append(entries, e)
			}
			after.Version, after.Previous = r.Version+1, r.CommitID
			after.CommitID[15]++
			if err := first(b.Store.Commit(b.ctx, after, entries...), b.storesAfter(after)); err != nil {
				return err
			}
			r = after
		}
		tombstone, e := nextAfter(r)
		if err := first(b.Store.Erase(b.ctx, tombstone, e), b.storesAfter(tombstone)); err != nil {
			return err
		}
	}
	return nil
}

func commitCheckReused(b *storeBench) error {
	old := record("v1")
	old.State, old.Key = carrierfsm.Done, ""
	old, err := b.put(old, 1)
	if err != nil {
		return err
	}
	if n, err := b.Store.Purge(b.ctx, old.Updated.Add(1), 10); n != 1 || err != nil {
		return fmt.Errorf("calling Purge: %d deleted, %w", n, err)
	}
	late, e := nextAfter(old)
	if err := want("Commit to a purged record", b.Store.Commit(b.ctx, late, e), carrierfsm.ErrNotFound); err != nil {
		return err
	}
	fresh := record("v1")
	fresh.CommitID[0]++
	if err := b.Store.Create(b.ctx, fresh); err != nil {
		return err
	}
	again, _ := next(fresh)
	again.Step, again.CommitID[0] = 0, 0xff
	return first(
		b.Store.Commit(b.ctx, again), b.stores(again),
		want("Commit to a purged record", b.Store.Commit(b.ctx, late, e), carrierfsm.ErrConflict),
		want("Erase of a purged record", b.Store.Erase(b.ctx, late, e), carrierfsm.ErrConflict),
		b.stores(again),
	)
}

func commitCheckTogether(b *storeBench) error {
	const n = 40
	records := make([]carrierfsm.Record, n)
	for i := range records {
		var err error
		if records[i], err = b.create(fmt.Sprintf("v%d", i), 1); err != nil {
			return err
		}
	}
	wrong := func(i int) bool { return i%3 == 0 }
	created := slices.Clone(records)
	errs := concurrently(n, func(i int) error {
		after, e := nextAfter(records[i])
		if wrong(i) {
			after.Previous = created[(i+1)%n].CommitID
		}
		err := b.Store.Commit(b.ctx, after, e)
		if err == nil {
			records[i] = after
		}
		return err
	})
	for i, err := range errs {
		if wrong(i) != errors.Is(err, carrierfsm.ErrConflict) || !wrong(i) && err != nil {
			return fmt.Errorf("commit %d of %d, with another Previous %v: %w", i, n, wrong(i), err)
		}
		if err := b.storesAfter(records[i]); err != nil {
			return err
		}
	}
	return nil
}
