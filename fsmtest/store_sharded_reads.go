package fsmtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// scattered creates records on all shards, of few different times.
func (b *shardedBench) scattered(n int) (list []carrierfsm.Record, err error) {
	var rows []outbox.Parked
	for i := range n {
		r := record(fmt.Sprintf("v%02d", (i*7)%n)) // its own id: hashed
		r.Key = ""
		r.Created = noon.Add(time.Duration(i/5) * time.Second)
		r.Due = noon.Add(time.Duration(i%4) * time.Second)
		if _, err := b.put(r, 0); err != nil {
			return nil, err
		}
		row := parkedRow("reader", r.ID)
		row.Next = r.Due
		list, rows = append(list, r), append(rows, row)
	}
	return list, b.store().Park(b.ctx, rows)
}

// paged reads pages until one is empty.
func paged[T any](limit int, page func(last *T) ([]T, error)) (all []T, err error) {
	var last *T
	for {
		list, err := page(last)
		if err != nil || len(list) == 0 {
			return all, err
		}
		if len(list) > limit {
			return all, fmt.Errorf("a page of %d rows with the limit %d", len(list), limit)
		}
		if all = append(all, list...); len(all) > 1000 {
			return all, errors.New("the pages do not end")
		}
		last = &all[len(all)-1]
	}
}

func ids[T any](list []T, id func(T) string) (names []string) {
	for _, one := range list {
		names = append(names, id(one))
	}
	return names
}

func mergedPages(b *shardedBench) error {
	records, err := b.scattered(23)
	if err != nil {
		return err
	}
	newest, due := slices.Clone(records), slices.Clone(records)
	slices.SortFunc(newest, func(x, y carrierfsm.Record) int {
		return cmp.Or(y.Created.Compare(x.Created), cmp.Compare(y.ID, x.ID))
	})
	slices.SortFunc(due, func(x, y carrierfsm.Record) int { return cmp.Or(x.Due.Compare(y.Due), cmp.Compare(x.ID, y.ID)) })
	for _, limit := range []int{1, 2, 3, 7, 22, 23, 50} {
		if err := b.samePages(limit, idsOf(newest), idsOf(due)); err != nil {
			return fmt.Errorf("with the limit %d: %w", limit, err)
		}
	}
	oldest := slices.Clone(records)
	slices.SortFunc(oldest, func(x, y carrierfsm.Record) int {
		return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.ID, y.ID))
	})
	surveyed, err := b.store().Survey(b.ctx, noon, noon.Add(day), 9)
	if err != nil {
		return err
	}
	var got []string
	for _, t := range surveyed {
		got = append(got, t.Record.ID)
	}
	return differ("the ids of Survey", idsOf(oldest)[:9], got)
}

func (b *shardedBench) samePages(limit int, newest, due []string) error {
	id := func(r carrierfsm.Record) string { return r.ID }
	listed, err := paged(limit, func(last *carrierfsm.Record) ([]carrierfsm.Record, error) {
		q := carrierfsm.Query{Limit: limit}
		if last != nil {
			q.After = carrierfsm.PageKey{Time: last.Created, ID: last.ID}
		}
		return b.store().List(b.ctx, q)
	})
	if err = first(err, differ("the ids of List", newest, ids(listed, id))); err != nil {
		return err
	}
	dues, err := paged(limit, func(last *carrierfsm.Record) ([]carrierfsm.Record, error) {
		var after carrierfsm.PageKey
		if last != nil {
			after = carrierfsm.PageKey{Time: last.Due, ID: last.ID}
		}
		return b.store().Due(b.ctx, noon.Add(day), after, limit)
	})
	if err = first(err, differ("the ids of Due", due, ids(dues, id))); err != nil {
		return err
	}
	rows, err := paged(limit, func(last *outbox.Parked) ([]outbox.Parked, error) {
		q := outbox.ParkedQuery{Limit: limit}
		if last != nil {
			q.After = outbox.ParkedKey{Next: last.Next, Handler: last.Handler, ID: last.ID}
		}
		return b.store().Parked(b.ctx, q)
	})
	return first(err, differ("the ids of Parked", due, ids(rows, func(p outbox.Parked) string { return p.ID })))
}

func mergedPurge(b *shardedBench) error {
	for i := range 12 {
		r := record(fmt.Sprintf("v%d", i))
		r.State, r.Key = carrierfsm.Done, ""
		if _, err := b.put(r, 1); err != nil {
			return err
		}
	}
	for _, want := range []int{5, 5, 2, 0} {
		n, err := b.store().Purge(b.ctx, noon.Add(time.Hour), 5)
		if err = first(err, differ("the number purged", want, n)); err != nil {
			return err
		}
	}
	left, err := b.store().List(b.ctx, carrierfsm.Query{})
	return first(err, differ("the number of records left", 0, len(left)))
}

// partial checks that an error names the one shard that is down.
func partial(what string, err error, name string) error {
	var some *carrierfsm.ShardsError
	if !errors.As(err, &some) || !errors.Is(err, carrierfsm.ErrStore) {
		return fmt.Errorf("%s did not return a *carrierfsm.ShardsError but: %w", what, orNone(err))
	}
	return differ("the shards that did not answer "+what, []string{name}, some.Shards)
}

func oneDown(b *shardedBench) error {
	records, err := b.scattered(20)
	if err != nil {
		return err
	}
	down := b.store().ShardOf(records[0].ID)
	name := b.store().Shards()[down].Name
	up := b.Down(down)
	var answering []string
	for _, r := range records {
		after, e := next(r)
		_, load := b.store().Load(b.ctx, r.ID)
		commit := b.store().Commit(b.ctx, after, e)
		if b.store().ShardOf(r.ID) != down {
			if answering = append(answering, r.ID); first(load, commit) != nil {
				return fmt.Errorf("another shard than the one that is down: %w", first(load, commit))
			}
			continue
		}
		if load == nil || commit == nil || errors.Is(load, carrierfsm.ErrNotFound) || errors.Is(commit, carrierfsm.ErrConflict) {
			return fmt.Errorf("on the shard that is down Load returns %w, and Commit %w", orNone(load), orNone(commit))
		}
	}
	if err := b.readsOf(name, answering); err != nil {
		return err
	}
	up()
	list, err := b.store().List(b.ctx, carrierfsm.Query{})
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); { // it may be refused for a moment
		list, err = b.store().List(b.ctx, carrierfsm.Query{})
	}
	return first(err, differ("the number of records when the shard is up", len(records), len(list)))
}

// readsOf checks that merged reads return what the other shards have.
func (b *shardedBench) readsOf(down string, answering []string) error {
	slices.Sort(answering)
	check := func(what string, got []string, err error) error {
		slices.Sort(got)
		return first(partial(what, err, down), differ("the ids of "+what, answering, got))
	}
	listed, err := b.store().List(b.ctx, carrierfsm.Query{})
	if err := check("List", idsOf(listed), err); err != nil {
		return err
	}
	due, err := b.store().Due(b.ctx, noon.Add(day), carrierfsm.PageKey{}, 100)
	if err := check("Due", idsOf(due), err); err != nil {
		return err
	}
	rows, err := b.store().Parked(b.ctx, outbox.ParkedQuery{})
	if err := check("Parked", ids(rows, func(p outbox.Parked) string { return p.ID }), err); err != nil {
		return err
	}
	timelines, err := b.store().Survey(b.ctx, noon, noon.Add(day), 100)
	var surveyed []string
	for _, t := range timelines {
		surveyed = append(surveyed, t.Record.ID)
	}
	_, cursors := b.store().Cursors(b.ctx)
	return first(check("Survey", surveyed, err), partial("Cursors", cursors, down))
}

func olderEpoch(b *shardedBench) error {
	records, err := b.scattered(20)
	if err != nil {
		return err
	}
	moved := b.store().ShardOf(records[0].ID)
	box := b.store().Shards()[moved].Store.(outbox.Store)
	l, err := box.Acquire(b.ctx, "reader", "one", day, outbox.FromBeginning)
	if err != nil {
		return err
	}
	if err := b.Move(moved); err != nil {
		return fmt.Errorf("calling Move: %w", err)
	}
	for _, r := range records {
		after, e := next(r)
		err := b.store().Commit(b.ctx, after, e)
		switch {
		case b.store().ShardOf(r.ID) != moved:
			err = first(err, b.stores(after))
		default:
			err = first(want("Commit", err, carrierfsm.ErrMoved), want("Erase", b.store().Erase(b.ctx, after, e), carrierfsm.ErrMoved), b.unwritten(r))
		}
		if err != nil {
			return err
		}
	}
	key, err := b.keyOn(func(shard int) bool { return shard == moved })
	fresh := record(b.store().PlaceID("fresh", key))
	fresh.Key = key
	spends, e := spending(records[0], spend(key, 1, noon))
	_, renewed := box.Acquire(b.ctx, "reader", "one", day, outbox.FromBeginning)
	refused := errors.Is(renewed, outbox.ErrLeaseHeld) || errors.Is(renewed, carrierfsm.ErrMoved)
	advanced := box.Advance(b.ctx, l, outbox.Batch{}, 0, []outbox.Parked{parkedRow("another", records[0].ID)})
	rows, err2 := box.Parked(b.ctx, outbox.ParkedQuery{Handler: "another"})
	if !refused || advanced == nil {
		return fmt.Errorf("a lease of a shard that has moved: Acquire returns %w, Advance %w", orNone(renewed), orNone(advanced))
	}
	return first(err, err2, differ("the number of rows of a lease of a shard that has moved", 0, len(rows)),
		want("Create", box.Create(b.ctx, fresh), carrierfsm.ErrMoved),
		want("Park", box.Park(b.ctx, []outbox.Parked{parkedRow("another", records[0].ID)}), carrierfsm.ErrMoved),
		b.unwritten(records[0]), wantSpendRefused(b, spends, e))
}

// unwritten checks that a record is as it was, where a store of an older epoch loads it.
func (b *shardedBench) unwritten(r carrierfsm.Record) error {
	_, err := b.store().Load(b.ctx, r.ID)
	if err = want("Load", err, carrierfsm.ErrMoved); err != nil {
		return err
	}
	if err := b.hasHistory(r.ID, r.Step); err != nil {
		return err
	}
	list, err := b.store().Shards()[b.store().ShardOf(r.ID)].Store.List(b.ctx, carrierfsm.Query{Limit: 1000})
	if err != nil {
		return fmt.Errorf("calling List: %w", err)
	}
	for _, stored := range list {
		if stored.ID == r.ID && stored.Version == r.Version {
			return nil
		}
	}
	return fmt.Errorf("the record %s was changed", r.ID)
}

// wantSpendRefused checks that nothing is spent either.
func wantSpendRefused(b *shardedBench, r carrierfsm.Record, e carrierfsm.Entry) error {
	err := b.store().Shards()[b.store().ShardOf(r.ID)].Store.Commit(b.ctx, r, e)
	return first(want("Commit with a spend", err, carrierfsm.ErrMoved), b.counts(r.Spends[0].Key, 0, noon))
}
