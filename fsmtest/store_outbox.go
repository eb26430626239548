package fsmtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var deliveryCases = []storeCase{
	{"OutboxOrder", "Pending returns every entry once, those of one id in the order of their steps", outboxOrder},
	{"OutboxSettled", "no entry appears before the position of a reader, whatever is written concurrently", outboxSettled},
	{"OutboxPages", "Pending returns again what Advance has not passed; Advance by n passes the first n entries", outboxPages},
	{"OutboxStart", "FromNow starts after the existing entries, FromBeginning with the oldest; neither moves a cursor that exists", outboxStart},
	{"OutboxNoStart", "without a start a cursor is created only where there are no entries; else Acquire returns ErrNoStart and creates nothing", outboxNoStart},
	{"OutboxPurge", "Pending leaves out what was purged", outboxPurge},
	{"OutboxModel", "any sequence of calls returns what a simple model of an outbox returns", outboxLikeModel},
	{"OutboxCursors", "each name has its own cursor, and Cursors returns the position of each", outboxCursors},
}

// reader holds the lease of a cursor.
type reader struct {
	box   outbox.Outbox
	ctx   context.Context //nolint:containedctx // of the case
	lease outbox.Lease
}

func (b *storeBench) outbox() (outbox.Outbox, error) {
	box, ok := b.Store.(outbox.Outbox)
	if !ok {
		return nil, errors.New("the store is not an outbox.Outbox")
	}
	return box, nil
}

// acquire acquires the lease of a cursor.
func (b *storeBench) acquire(name, owner string, start outbox.Start) (*reader, error) {
	box, err := b.outbox()
	if err != nil {
		return nil, err
	}
	l, err := box.Acquire(b.ctx, name, owner, time.Hour, start)
	if err == nil && (l.Name != name || l.Owner != owner || l.Fence <= 0) {
		err = fmt.Errorf("the lease is %+v for the name %q and the owner %q", l, name, owner)
	}
	return &reader{box: box, ctx: b.ctx, lease: l}, err
}

// page reads entries and advances past them.
func (r *reader) page(limit int) ([]carrierfsm.Entry, error) {
	batch, err := r.box.Pending(r.ctx, r.lease, limit)
	if err != nil {
		return nil, fmt.Errorf("calling Pending: %w", err)
	}
	if len(batch.Entries) > limit {
		return nil, fmt.Errorf("%d entries with a limit of %d", len(batch.Entries), limit)
	}
	for _, e := range batch.Entries {
		if e.Position <= 0 {
			return nil, fmt.Errorf("step %d of %s has the position %d", e.Step, e.ID, e.Position)
		}
	}
	if len(batch.Entries) == 0 {
		return nil, nil
	}
	if err := r.box.Advance(r.ctx, r.lease, batch, len(batch.Entries), nil); err != nil {
		return nil, fmt.Errorf("calling Advance: %w", err)
	}
	return batch.Entries, nil
}

// rest reads all that is left and advances past it.
func (r *reader) rest(limit int) (all []carrierfsm.Entry, err error) {
	for {
		list, err := r.page(limit)
		if err != nil || len(list) == 0 {
			return all, err
		}
		all = append(all, list...)
	}
}

// inOrder checks that the steps of each id follow those seen before without gaps.
func inOrder(entries []carrierfsm.Entry, seen map[string]int) error {
	for _, e := range entries {
		if e.Step != seen[e.ID]+1 {
			return fmt.Errorf("step %d of %s after step %d", e.Step, e.ID, seen[e.ID])
		}
		seen[e.ID] = e.Step
	}
	return nil
}

// steps returns the entries as "id/step", to compare: those of each id in the order in
// which they are. Entries of different ids have no order.
func steps(entries []carrierfsm.Entry) (list []string) {
	byID := slices.Clone(entries)
	slices.SortStableFunc(byID, func(a, b carrierfsm.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for _, e := range byID {
		list = append(list, fmt.Sprintf("%s/%d", e.ID, e.Step))
	}
	return list
}

func outboxOrder(b *storeBench) error {
	for _, id := range []string{"v1", "v2", "v3"} {
		if _, err := b.create(id, 4); err != nil {
			return err
		}
	}
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	entries, err := r.rest(5)
	if err = first(err, differ("the number of entries", 12, len(entries))); err != nil {
		return err
	}
	stored, err := b.Store.History(b.ctx, "v3", 0, 10)
	var last carrierfsm.Entry
	for _, e := range entries {
		if e.ID == "v3" {
			last = e
		}
	}
	last.Position = 0
	return first(err, inOrder(entries, make(map[string]int)), equal("the last entry of v3", stored[3], last))
}

// outboxSettled reads while writers commit. The reader must miss nothing.
func outboxSettled(b *storeBench) error {
	const writers, each = 6, 10
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	var writing atomic.Int32
	writing.Store(writers)
	seen := make(map[string]int)
	errs := concurrently(writers+1, func(i int) error {
		if i < writers {
			defer writing.Add(-1)
			_, err := b.create(fmt.Sprintf("v%d", i), each)
			return err
		}
		for done := false; !done; {
			done = writing.Load() == 0 // read once more after the last commit
			entries, err := r.rest(7)
			if err = first(err, inOrder(entries, seen)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for id, n := range seen {
		if n != each {
			return fmt.Errorf("the reader saw %d of %d steps of %s", n, each, id)
		}
	}
	return differ("the number of verifications that the reader saw", writers, len(seen))
}

func outboxPages(b *storeBench) error {
	if _, err := b.create("v1", 6); err != nil {
		return err
	}
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	batch, err := r.box.Pending(b.ctx, r.lease, 4)
	if err = first(err, differ("the batch", []string{"v1/1", "v1/2", "v1/3", "v1/4"}, steps(batch.Entries))); err != nil {
		return err
	}
	batch, err = r.box.Pending(b.ctx, r.lease, 3)
	err = first(err, differ("the batch before any Advance", []string{"v1/1", "v1/2", "v1/3"}, steps(batch.Entries)))
	if err = first(err, r.box.Advance(b.ctx, r.lease, batch, 2, nil)); err != nil {
		return err
	}
	entries, err := r.page(3)
	if err = first(err, differ("the batch after two", []string{"v1/3", "v1/4", "v1/5"}, steps(entries))); err != nil {
		return err
	}
	batch, err = r.box.Pending(b.ctx, r.lease, 9)
	if err = first(err, r.box.Advance(b.ctx, r.lease, batch, 0, nil)); err != nil {
		return err
	}
	entries, err = r.rest(9)
	return first(err, differ("the batch after none", []string{"v1/6"}, steps(entries)))
}

func outboxNoStart(b *storeBench) error {
	early, err := b.acquire("first", "one", 0)
	if err != nil {
		return err
	}
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	if _, err := b.acquire("first", "one", 0); err != nil { // the cursor exists
		return err
	}
	entries, err := early.rest(10)
	if err := first(err, differ("the entries of a reader of an empty store", []string{"v1/1", "v1/2"}, steps(entries))); err != nil {
		return err
	}
	_, refused := b.acquire("second", "one", 0)
	cursors, err := early.box.Cursors(b.ctx)
	return first(err, want("Acquire of a new cursor without a start, in a store with entries,", refused, outbox.ErrNoStart), differ("the number of cursors", 1, len(cursors)))
}

func outboxStart(b *storeBench) error {
	old, err := b.create("old", 3)
	if err != nil {
		return err
	}
	late, err := b.acquire("late", "one", outbox.FromNow)
	if err != nil {
		return err
	}
	early, err := b.acquire("early", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	r, e := next(old)
	if err := b.Store.Commit(b.ctx, r, e); err != nil {
		return err
	}
	if _, err := b.create("new", 1); err != nil {
		return err
	}
	if _, err := b.acquire("early", "one", outbox.FromNow); err != nil { // the cursor exists: start is ignored
		return err
	}
	fromLate, err := late.rest(10)
	fromEarly, err2 := early.rest(10)
	return first(err, err2,
		differ("the entries of a reader that started now", []string{"new/1", "old/4"}, steps(fromLate)),
		differ("the entries of a reader from the beginning", []string{"new/1", "old/1", "old/2", "old/3", "old/4"}, steps(fromEarly)))
}

func outboxPurge(b *storeBench) error {
	ended := record("ended")
	ended.State = carrierfsm.Done
	if _, err := b.put(ended, 2); err != nil {
		return err
	}
	if _, err := b.create("live", 2); err != nil {
		return err
	}
	if _, err := b.Store.Purge(b.ctx, noon.Add(time.Hour), 10); err != nil {
		return err
	}
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	entries, err := r.rest(3)
	return first(err, differ("the entries left", []string{"live/1", "live/2"}, steps(entries)))
}

func outboxCursors(b *storeBench) error {
	r, err := b.create("v1", 2)
	if err != nil {
		return err
	}
	one, err := b.acquire("one", "owner", outbox.FromBeginning)
	if err != nil {
		return err
	}
	two, err := b.acquire("two", "owner", outbox.FromBeginning)
	if err != nil {
		return err
	}
	if _, err := one.rest(10); err != nil {
		return err
	}
	rows := []outbox.Parked{parkedRow("two", "v1")}
	err = first(two.box.Advance(b.ctx, two.lease, outbox.Batch{}, 0, rows), two.box.Release(b.ctx, two.lease))
	if err != nil {
		return err
	}
	list, err := one.box.Cursors(b.ctx)
	if err = first(err, differ("the number of cursors", 2, len(list))); err != nil {
		return err
	}
	if until := list[0].Until; !until.After(time.Now()) {
		return fmt.Errorf("a lease of an hour ends at %v", until)
	}
	list[0].Until = time.Time{}
	return equal("the cursors", []outbox.Cursor{
		{Name: "one", Owner: "owner"},
		{Name: "two", Behind: r.Updated.Add(-time.Second), Parked: 1},
	}, list)
}
