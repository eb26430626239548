package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carrierfsm/carrierfsm"
)

// storeCases is the contract, a rule a case.
var storeCases = slices.Concat(writeCases, raceCases, queryCases, outboxCases, leaseCases, modelCases, surveyCases)

var writeCases = []storeCase{
	{"RoundTrip", "what was written comes back equal, every column, times to the microsecond", roundTrip},
	{"ZeroValues", "zero times, an empty key and an empty body come back as they were", zeroValues},
	{"AnyBytes", "bodies and details may hold any bytes, and a megabyte of them", anyBytes},
	{"Ownership", "what is passed in is copied, and what comes out belongs to the caller", ownership},
	{"DuplicateID", "Create returns ErrExists for an id that is taken and changes nothing", duplicateID},
	{"DuplicateKey", "a key that is not empty is held by one record; letting go of it frees it", duplicateKey},
	{"UnknownID", "an unknown id is ErrNotFound, and has no history", unknownID},
	{"VersionCheck", "Commit wants the stored version to be one less, else it returns ErrConflict and changes nothing", versionCheck},
	{"OneCommit", "record and entries are committed both or neither", oneCommit},
	{"CreatedStays", "a commit does not change when the record was created", createdStays},
	{"CanceledContext", "with a context that has ended nothing is written", canceledContext},
	{"History", "the history is in the order of its steps, without gaps, and can be paged", historyPages},
	{"Erase", "Erase commits with the version check and blanks the details of earlier entries, which keep their places", erases},
	{"Reopen", "what was acknowledged is there after a crash", reopens},
}

func roundTrip(b *storeBench) error {
	r, err := b.create("v1", 3)
	return first(err, b.holds(r))
}

func zeroValues(b *storeBench) error {
	for _, id := range []string{"v1", "v2"} { // two empty keys do not meet
		r := carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Created: noon, Updated: noon, Body: []byte{}}
		if _, err := b.put(r, 0); err != nil {
			return err
		}
		stored, err := b.Store.Load(b.ctx, id)
		if err != nil {
			return err
		}
		if !stored.Due.IsZero() || stored.Key != "" || len(stored.Body) != 0 || stored.Reason != "" {
			return fmt.Errorf("zero values came back as %+v", stored)
		}
	}
	return nil
}

func anyBytes(b *storeBench) error {
	r := record("v1")
	r.Body = make([]byte, 1<<20)
	for i := range r.Body {
		r.Body[i] = byte(i)
	}
	if err := b.Store.Create(b.ctx, r); err != nil {
		return err
	}
	after, e := next(r)
	after.Body, e.Detail = r.Body, r.Body
	if err := first(b.Store.Commit(b.ctx, after, e), b.holds(after)); err != nil {
		return err
	}
	entries, err := b.Store.History(b.ctx, "v1", 0, 1)
	if err == nil && !slices.Equal(entries[0].Detail, e.Detail) {
		err = errors.New("the detail came back changed")
	}
	return err
}

func ownership(b *storeBench) error {
	r := record("v1")
	given := slices.Clone(r.Body)
	if err := b.Store.Create(b.ctx, r); err != nil {
		return err
	}
	clear(r.Body)
	r.Body = given
	if err := b.holds(r); err != nil {
		return err
	}
	after, e := next(r)
	detail, body := slices.Clone(e.Detail), slices.Clone(after.Body)
	if err := b.Store.Commit(b.ctx, after, e); err != nil {
		return err
	}
	clear(e.Detail) // the machine uses the room of both again
	clear(after.Body)
	after.Body = body
	for range 2 { // the second time after what came out was overwritten
		entries, err := b.Store.History(b.ctx, "v1", 0, 10)
		if err != nil {
			return err
		}
		if !slices.Equal(entries[0].Detail, detail) {
			return errors.New("the caller's change of a detail reached the store")
		}
		clear(entries[0].Detail)
		stored, err := b.Store.Load(b.ctx, "v1")
		if err != nil {
			return err
		}
		clear(stored.Body)
	}
	return b.holds(after)
}

func duplicateID(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	again := record("v1")
	again.Key = "another"
	return first(want("a second Create", b.Store.Create(b.ctx, again), carrierfsm.ErrExists), b.holds(r))
}

func duplicateKey(b *storeBench) error {
	holder, err := b.create("v1", 0)
	if err != nil {
		return err
	}
	rival := record("v2")
	rival.Key = holder.Key
	if err := want("Create with a key in use", b.Store.Create(b.ctx, rival), carrierfsm.ErrKeyInUse); err != nil {
		return err
	}
	if _, err := b.Store.Load(b.ctx, "v2"); !errors.Is(err, carrierfsm.ErrNotFound) {
		return fmt.Errorf("the refused record is there: %w", err)
	}
	other, err := b.create("v3", 0)
	if err != nil {
		return err
	}
	taking, e := next(other)
	taking.Key = holder.Key
	if err := first(want("Commit with a key in use", b.Store.Commit(b.ctx, taking, e), carrierfsm.ErrKeyInUse), b.holds(other)); err != nil {
		return err
	}
	free, e := next(holder)
	free.Key = ""
	return first(b.Store.Commit(b.ctx, free, e), b.Store.Create(b.ctx, rival))
}

func unknownID(b *storeBench) error {
	_, err := b.Store.Load(b.ctx, "nobody")
	r, e := next(record("nobody"))
	return first(
		want("Load", err, carrierfsm.ErrNotFound),
		want("Commit", b.Store.Commit(b.ctx, r, e), carrierfsm.ErrNotFound),
		want("Erase", b.Store.Erase(b.ctx, r, e), carrierfsm.ErrNotFound),
		b.hasHistory("nobody", 0),
	)
}

func versionCheck(b *storeBench) error {
	r, err := b.create("v1", 2)
	if err != nil {
		return err
	}
	for _, version := range []int64{r.Version - 1, r.Version, r.Version + 2, 0} {
		wrong, e := next(r)
		wrong.Version = version
		if err := first(want(fmt.Sprintf("Commit of version %d after %d", version, r.Version), b.Store.Commit(b.ctx, wrong, e), carrierfsm.ErrConflict), b.holds(r)); err != nil {
			return err
		}
	}
	return nil
}

func oneCommit(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	two, e := next(r)
	two.Step++
	second := e
	second.Step++
	if err := first(b.Store.Commit(b.ctx, two, e, second), b.holds(two)); err != nil {
		return err
	}
	late, e := next(r) // conflicts
	return first(want("Commit", b.Store.Commit(b.ctx, late, e), carrierfsm.ErrConflict), b.holds(two))
}

func createdStays(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err != nil {
		return err
	}
	after, e := next(r)
	after.Created = noon.Add(24 * time.Hour)
	err = b.Store.Commit(b.ctx, after, e)
	after.Created = r.Created
	return first(err, b.holds(after))
}

func canceledContext(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	after, e := next(r)
	_, load := b.Store.Load(over, "v1")
	if err := first(
		want("Create", b.Store.Create(over, record("v2")), context.Canceled),
		want("Commit", b.Store.Commit(over, after, e), context.Canceled),
		want("Erase", b.Store.Erase(over, after, e), context.Canceled),
		want("Load", load, context.Canceled),
		b.holds(r),
	); err != nil {
		return err
	}
	_, err = b.Store.Load(b.ctx, "v2")
	return want("Load of what was not created", err, carrierfsm.ErrNotFound)
}

func historyPages(b *storeBench) error {
	if _, err := b.create("v1", 7); err != nil {
		return err
	}
	if _, err := b.create("v2", 3); err != nil {
		return err
	}
	var steps []int
	for after := 0; ; {
		page, err := b.Store.History(b.ctx, "v1", after, 3)
		if err != nil || len(page) == 0 {
			return first(err, differ("the steps", []int{1, 2, 3, 4, 5, 6, 7}, steps))
		}
		for _, e := range page {
			steps = append(steps, e.Step)
			after = e.Step
		}
	}
}

func erases(b *storeBench) error {
	r, err := b.create("v1", 3)
	if err != nil {
		return err
	}
	if _, err := b.create("v2", 1); err != nil {
		return err
	}
	stale, e := next(r)
	stale.Version--
	if err := first(want("Erase of an older version", b.Store.Erase(b.ctx, stale, e), carrierfsm.ErrConflict), b.detailed("v1", 3)); err != nil {
		return err
	}
	tombstone, e := next(r)
	tombstone.Body, tombstone.Key = []byte("{}"), ""
	if err := first(b.Store.Erase(b.ctx, tombstone, e), b.holds(tombstone)); err != nil {
		return err
	}
	return first(b.detailed("v1", 1), b.detailed("v2", 1))
}

// detailed sees that as many entries, the latest, still have their details.
func (b *storeBench) detailed(id string, latest int) error {
	entries, err := b.Store.History(b.ctx, id, 0, 100)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if kept := i >= len(entries)-latest; kept != (len(e.Detail) > 0) {
			return fmt.Errorf("the detail of step %d of %s: %q", e.Step, id, e.Detail)
		}
	}
	return nil
}

func reopens(b *storeBench) error {
	r, err := b.create("v1", 3)
	if err != nil || b.Reopen == nil {
		return err
	}
	again, err := b.Reopen()
	if err != nil {
		return fmt.Errorf("calling Reopen: %w", err)
	}
	b.Store = again
	after, e := next(r)
	return first(b.holds(r), again.Commit(b.ctx, after, e), b.holds(after))
}

func differ[T any](what string, want, got T) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("%s differ (-want +got):\n%s", what, diff)
	}
	return nil
}
