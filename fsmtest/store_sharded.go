package fsmtest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// ShardedStore is a store of several shards: see carrierfsm.Store.
type ShardedStore interface {
	outbox.Store
	survey.Surveyor
	Shards() []carrierfsm.Shard
	ShardOf(id string) int
	PlaceID(id, key string) string
}

// ShardedSubject is one fresh, empty store of at least three shards under test.
type ShardedSubject struct {
	Store ShardedStore
	// Down makes each call of a shard fail, until up is called.
	Down func(shard int) (up func())
	// Move makes the Store one of an older epoch for a shard.
	Move func(shard int) error
	// Database returns the database of a shard, to have it drain. Without it the case
	// Draining is skipped.
	Database func(shard int) ShardDatabase
}

// TestSharded runs the contract of a store of several shards, as TestStore does that of
// any store.
func TestSharded(t *testing.T, open func(tb testing.TB) ShardedSubject) {
	t.Helper()
	for _, c := range shardedCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if c.name == drainingCase && s.Database == nil {
				t.Skip("ShardedSubject.Database is not set")
			}
			if err := c.check(s); err != nil {
				t.Errorf("%v\n\nrule: %s", err, c.rule)
			}
		})
	}
}

// CheckSharded is CheckStore for the cases of TestSharded.
func CheckSharded(tb testing.TB, open func(tb testing.TB) ShardedSubject) error {
	tb.Helper()
	var errs []error
	for _, c := range shardedCases {
		s := open(tb)
		if c.name == drainingCase && s.Database == nil {
			continue
		}
		if err := c.check(s); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (rule: %s)", c.name, err, c.rule))
		}
	}
	return errors.Join(errs...)
}

type shardedCase struct {
	name, rule string
	run        func(*shardedBench) error
}

func (c shardedCase) check(s ShardedSubject) error {
	return storeCase{run: func(b *storeBench) error {
		return c.run(&shardedBench{storeBench: b, ShardedSubject: s})
	}}.check(StoreSubject{Store: s.Store})
}

// shardedBench is a store of several shards under test.
type shardedBench struct {
	*storeBench
	ShardedSubject
}

// drainingCase needs ShardedSubject.Database.
const drainingCase = "Draining"

var shardedCases = []shardedCase{
	{"Placement", "a record is on the shard of its id, and on no other; what belongs to one key is on one shard; the shards get equal parts", placement},
	{"OtherShard", "a key, and a spend of a key, whose place is on another shard than the id is refused with ErrOtherShard, and nothing is written", otherShard},
	{"Uniqueness", "of many concurrent Creates with one key exactly one succeeds, whatever the ids", uniqueness},
	{"Budgets", "what several verifications spend of one key is counted together", sharedBudget},
	{"Pages", "merged pages have each row once, in order, with any limit", mergedPages},
	{"Purge", "Purge deletes from all shards, at most the limit in total", mergedPurge},
	{"OneDown", "with a shard down the others take reads and writes; merged reads return what they have, and a *ShardsError that names the shard", oneDown},
	{"Outbox", "each shard is an outbox of its own, with the entries of its verifications and no others", shardOutbox},
	{"OlderEpoch", "a store of an older epoch writes nothing on a shard that has moved, and goes on with the others", olderEpoch},
	{drainingCase, "a draining shard takes outcomes and refuses new calls, until it drains no more", draining},
}

// placed creates records of different keys, so many, each of which has the place of its
// key.
func (b *shardedBench) placed(n int) (list []carrierfsm.Record, err error) {
	for i := range n {
		key := "key-" + strconv.Itoa(i)
		r := record(b.Store.PlaceID("v"+strconv.Itoa(i), key))
		r.Key = key
		if err := b.Store.Create(b.ctx, r); err != nil {
			return nil, fmt.Errorf("calling Create: %w", err)
		}
		list = append(list, r)
	}
	return list, nil
}

// store is the store under test.
func (b *shardedBench) store() ShardedStore { return b.Store }

func placement(b *shardedBench) error {
	all := b.store().Shards()
	const n = 200
	records, err := b.placed(n)
	if err != nil {
		return err
	}
	count := make([]int, len(all))
	for i, r := range records {
		at := b.store().ShardOf(r.ID)
		if at < 0 || at >= len(all) {
			return fmt.Errorf("%s is on the shard %d of %d", r.ID, at, len(all))
		}
		if other := b.store().ShardOf(b.store().PlaceID("another-"+strconv.Itoa(i), r.Key)); other != at {
			return fmt.Errorf("two ids of one key are on the shards %d and %d", at, other)
		}
		count[at]++
		for i, shard := range all {
			_, err := shard.Store.Load(b.ctx, r.ID)
			if i == at && err != nil || i != at && !errors.Is(err, carrierfsm.ErrNotFound) {
				return fmt.Errorf("loading %s, which is on the shard %d, from the shard %d: %w", r.ID, at, i, orNone(err))
			}
		}
		if err := b.stores(r); err != nil {
			return err
		}
	}
	for i, found := range count {
		if found < n/len(all)/2 {
			return fmt.Errorf("the shard %d has %d of %d records", i, found, n)
		}
	}
	return nil
}

// misfit returns a key whose place is on another shard than a record.
func (b *shardedBench) misfit(r carrierfsm.Record) string {
	key, _ := b.keyOn(func(shard int) bool { return shard != b.store().ShardOf(r.ID) })
	return key
}

// keyOn returns a key whose place is on a shard that is wanted.
func (b *shardedBench) keyOn(wanted func(shard int) bool) (key string, err error) {
	for i := range 1000 {
		key = "any-" + strconv.Itoa(i)
		if wanted(b.store().ShardOf(b.store().PlaceID("v", key))) {
			return key, nil
		}
	}
	return key, errors.New("PlaceID uses one shard only")
}

func otherShard(b *shardedBench) error {
	records, err := b.placed(1)
	if err != nil {
		return err
	}
	r := records[0]
	wrong := record("own")
	wrong.Key = b.misfit(wrong)
	key, e := next(r)
	key.Key = b.misfit(r)
	spends, _ := spending(r, spend(b.misfit(r), 1, noon))
	_, load := b.store().Load(b.ctx, "own")
	return first(
		want("Create", b.store().Create(b.ctx, wrong), carrierfsm.ErrOtherShard), want("Load", load, carrierfsm.ErrNotFound),
		want("Commit", b.store().Commit(b.ctx, key, e), carrierfsm.ErrOtherShard),
		want("Commit with a spend", b.store().Commit(b.ctx, spends, e), carrierfsm.ErrOtherShard),
		b.stores(r), b.counts(spends.Spends[0].Key, 0, noon),
	)
}

func uniqueness(b *shardedBench) error {
	for round := range 8 {
		key := "round-" + strconv.Itoa(round)
		errs := concurrently(rivals, func(i int) error {
			r := record(b.store().PlaceID(fmt.Sprintf("v%d-of-%d", i, round), key))
			r.Key = key
			return b.store().Create(b.ctx, r)
		})
		if err := oneWins(errs, carrierfsm.ErrKeyInUse); err != nil {
			return err
		}
		list, err := b.store().List(b.ctx, carrierfsm.Query{Key: key})
		if err = first(err, differ("the number of records with the key", 1, len(list))); err != nil {
			return err
		}
	}
	return nil
}

func sharedBudget(b *shardedBench) error {
	for i := range 6 {
		key := "key-" + strconv.Itoa(i)
		for n, id := range []string{"one", "two", "three"} {
			r := record(b.store().PlaceID(id+strconv.Itoa(i), key))
			r.Key = ""
			r, err := b.put(r, 0)
			if err == nil {
				_, err = b.commitSpending(r, spend(key, 1, noon))
			}
			if n == 2 {
				err = exceeded("the third", err, budget.Texts, noon.Add(day))
			}
			if err = first(err, b.counts(key, min(n+1, 2), noon)); err != nil {
				return err
			}
		}
	}
	return nil
}

func shardOutbox(b *shardedBench) error {
	records, err := b.placed(20)
	if err != nil {
		return err
	}
	for _, r := range records {
		r, e := next(r)
		if err := b.store().Commit(b.ctx, r, e); err != nil {
			return err
		}
	}
	for i, shard := range b.store().Shards() {
		box, ok := shard.Store.(outbox.Outbox)
		if !ok {
			return fmt.Errorf("the shard %s is no outbox.Outbox", shard.Name)
		}
		l, err := box.Acquire(b.ctx, "reader", "one", day, outbox.FromBeginning)
		if err != nil {
			return err
		}
		entries, err := (&reader{box: box, ctx: b.ctx, lease: l}).rest(3)
		if err != nil {
			return err
		}
		var want, got []string
		for _, r := range records {
			if b.store().ShardOf(r.ID) == i {
				want = append(want, r.ID)
			}
		}
		for _, e := range entries {
			got = append(got, e.ID)
		}
		slices.Sort(want)
		slices.Sort(got)
		if err := equal("the entries of the shard "+shard.Name, want, got); err != nil {
			return err
		}
	}
	return nil
}
