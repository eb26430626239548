package fsmtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carrierfsm/carrierfsm"
)

// The contracts: one case for each rule.
var (
	storeCases  = slices.Concat(writeCases, previousCases, resealCases, raceCases, budgetCases, queryCases, boundCases, lifeCases, modelCases)
	outboxCases = slices.Concat(deliveryCases, leaseCases, togetherCases, failureCases, outboxLifeCases)
)

var writeCases = []storeCase{
	{"RoundTrip", "every column of a record is loaded as it was written, times to the microsecond", roundTrip},
	{"EntryRoundTrip", "every column of an entry is returned by History as it was written", entryRoundTrip},
	{"ZeroValues", "zero times, an empty key and an empty body are loaded as they were written", zeroValues},
	{"AnyBytes", "bodies and details may be any bytes, up to at least a megabyte", anyBytes},
	{"Ownership", "the store copies what it is passed; what it returns belongs to the caller", ownership},
	{"DuplicateID", "Create returns ErrExists for an id that exists, and changes nothing", duplicateID},
	{"DuplicateKey", "a key that is not empty belongs to one record at a time; a commit that clears it frees it", duplicateKey},
	{"UnknownID", "an unknown id returns ErrNotFound, and has no history", unknownID},
	{"VersionCheck", "Commit returns ErrConflict and changes nothing unless the stored version is one less", versionCheck},
	{"OneCommit", "a record and its entries are committed together or not at all", oneCommit},
	{"CreatedStays", "a commit does not change Created", createdStays},
	{"History", "History returns the entries in the order of their steps, without gaps, in pages", historyPages},
	{"Erase", "Erase checks the version as Commit does, and blanks the details of earlier entries without deleting them", erases},
	{"Reopen", "what was acknowledged is stored after a crash", reopens},
}

func roundTrip(b *storeBench) error {
	r, err := b.create("v1", 3)
	return first(err, b.stores(r))
}

func entryRoundTrip(b *storeBench) error {
	r, err := b.create("v1", 0)
	if err != nil {
		return err
	}
	after, e := next(r)
	after, second := next(after)
	after.Version, second.Source, second.Dwell = r.Version+1, "", 0
	if err := b.Store.Commit(b.ctx, after, e, second); err != nil {
		return fmt.Errorf("calling Commit: %w", err)
	}
	got, err := b.Store.History(b.ctx, "v1", 0, 10)
	return first(err, equal("the entries", []carrierfsm.Entry{e, second}, got))
}

func zeroValues(b *storeBench) error {
	for _, id := range []string{"v1", "v2"} { // empty keys do not conflict
		r := carrierfsm.Record{ID: id, State: carrierfsm.Created, Version: 1, Table: 1, Created: noon, Updated: noon, Body: []byte{}}
		if _, err := b.put(r, 0); err != nil {
			return err
		}
		stored, err := b.Store.Load(b.ctx, id)
		if err != nil {
			return err
		}
		if !stored.Due.IsZero() || stored.Key != "" || len(stored.Body) != 0 || stored.Reason != "" {
			return fmt.Errorf("zero values were loaded as %+v", stored)
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
	if err := first(b.Store.Commit(b.ctx, after, e), b.stores(after)); err != nil {
		return err
	}
	entries, err := b.Store.History(b.ctx, "v1", 0, 1)
	if err == nil && !slices.Equal(entries[0].Detail, e.Detail) {
		err = errors.New("the stored detail differs")
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
	if err := b.stores(r); err != nil {
		return err
	}
	after, e := next(r)
	detail, body := slices.Clone(e.Detail), slices.Clone(after.Body)
	if err := b.Store.Commit(b.ctx, after, e); err != nil {
		return err
	}
	clear(e.Detail) // the machine reuses these buffers
	clear(after.Body)
	after.Body = body
	for range 2 { // the second time after the returned bytes were overwritten
		entries, err := b.Store.History(b.ctx, "v1", 0, 10)
		if err != nil {
			return err
		}
		if !slices.Equal(entries[0].Detail, detail) {
			return errors.New("a change of the caller's detail changed the stored one")
		}
		clear(entries[0].Detail)
		stored, err := b.Store.Load(b.ctx, "v1")
		if err != nil {
			return err
		}
		clear(stored.Body)
	}
	return b.stores(after)
}

func duplicateID(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	again := record("v1")
	again.Key = "another"
	return first(want("a second Create", b.Store.Create(b.ctx, again), carrierfsm.ErrExists), b.stores(r))
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
		return fmt.Errorf("the refused record was stored: %w", err)
	}
	other, err := b.create("v3", 0)
	if err != nil {
		return err
	}
	taking, e := next(other)
	taking.Key = holder.Key
	if err := first(want("Commit with a key in use", b.Store.Commit(b.ctx, taking, e), carrierfsm.ErrKeyInUse), b.stores(other)); err != nil {
		return err
	}
	free, e := next(holder)
	free.Key = ""
	return first(b.Store.Commit(b.ctx, free, e), b.Store.Create(b.ctx, rival))
}

func unknownID(b *storeBench) error {
	_, err := b.Store.Load(b.ctx, "unknown")
	r, e := next(record("unknown"))
	return first(
		want("Load", err, carrierfsm.ErrNotFound),
		want("Commit", b.Store.Commit(b.ctx, r, e), carrierfsm.ErrNotFound),
		want("Erase", b.Store.Erase(b.ctx, r, e), carrierfsm.ErrNotFound),
		b.hasHistory("unknown", 0),
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
		if err := first(want(fmt.Sprintf("Commit of version %d after %d", version, r.Version), b.Store.Commit(b.ctx, wrong, e), carrierfsm.ErrConflict), b.stores(r)); err != nil {
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
	if err := first(b.Store.Commit(b.ctx, two, e, second), b.stores(two)); err != nil {
		return err
	}
	late, e := next(r) // conflicts
	return first(want("Commit", b.Store.Commit(b.ctx, late, e), carrierfsm.ErrConflict), b.stores(two))
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
	return first(err, b.stores(after))
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
	if err := first(b.Store.Erase(b.ctx, tombstone, e), b.stores(tombstone)); err != nil {
		return err
	}
	return first(b.detailed("v1", 1), b.detailed("v2", 1))
}

// detailed checks that only the latest entries, so many, have details.
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
	return first(b.stores(r), again.Commit(b.ctx, after, e), b.stores(after))
}

func differ[T any](what string, want, got T) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("%s differ (-want +got):\n%s", what, diff)
	}
	return nil
}
