package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var leaseCases = []storeCase{
	{"OneLeaseHolder", "of many concurrent requests for the lease of a cursor, one succeeds", oneLeaseHolder},
	{"LeaseHolds", "a lease excludes other owners until it ends; its owner renews it under the same fence; releasing ends it", leaseHolds},
	{"LeaseEnds", "a lease ends after its duration; the fence of the next lease is greater", leaseEnds},
	{"LeaseFence", "a write under an earlier lease is refused as a whole", leaseFence},
	{"Parked", "parked rows are written in the same commit as the cursor, are returned with their entries, and are deleted when all is delivered", parkedRows},
	{"ParkedMerge", "a row that another writer has changed meanwhile is merged with it, and no step is lost", parkedMerge},
	{"ParkedQuery", "Parked returns what matches the query, earliest first, in pages", parkedQuery},
	{"ParkedBounds", "numbers of a parked row that the store can't keep are refused with ErrInvalid and never cut; words that no row has select none", parkedBounds},
	{"ParkedPurge", "Purge deletes the parked rows of the verifications that it deletes", parkedPurge},
	{"PurgeDelivered", "PurgeDelivered deletes no verification that is parked or has an entry that some cursor has not passed, and counts them", purgeDelivered},
	{"Retire", "Retire deletes a cursor that is not held, and its parked rows", retires},
}

func parkedRow(handler, id string) outbox.Parked {
	return outbox.Parked{
		Handler: handler, ID: id, Step: 1, Upto: 2, Attempts: 3, Why: "panic", Failure: []byte("sealed failure\x00\xff"),
		Since: noon, Next: noon.Add(time.Minute), Version: 1,
	}
}

func oneLeaseHolder(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	var holders atomic.Int32
	errs := concurrently(8, func(i int) error {
		_, err := box.Acquire(b.ctx, "reader", "owner-"+strconv.Itoa(i), time.Hour, outbox.FromBeginning)
		if err == nil {
			holders.Add(1)
			return nil
		}
		return want("Acquire", err, outbox.ErrLeaseHeld)
	})
	return first(errors.Join(errs...), differ("the number of lease holders", 1, int(holders.Load())))
}

func leaseHolds(b *storeBench) error {
	one, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	_, err = b.acquire("reader", "two", outbox.FromBeginning)
	if err := want("Acquire", err, outbox.ErrLeaseHeld); err != nil {
		return err
	}
	again, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err = first(err, differ("the fence of a renewed lease", one.lease.Fence, again.lease.Fence)); err != nil {
		return err
	}
	if err := one.box.Release(b.ctx, one.lease); err != nil {
		return fmt.Errorf("calling Release: %w", err)
	}
	two, err := b.acquire("reader", "two", outbox.FromBeginning)
	if err != nil {
		return err
	}
	if err := one.box.Release(b.ctx, one.lease); err != nil {
		return fmt.Errorf("releasing a lease that has ended: %w", err)
	}
	_, err = b.acquire("reader", "one", outbox.FromBeginning)
	if err := want("Acquire, after an earlier lease was released again,", err, outbox.ErrLeaseHeld); err != nil {
		return err
	}
	if two.lease.Fence <= one.lease.Fence {
		return fmt.Errorf("the fence is %d after %d", two.lease.Fence, one.lease.Fence)
	}
	return nil
}

// takeOver acquires the lease once the present one, which is short, has ended.
func (b *storeBench) takeOver(box outbox.Outbox, name, owner string) (outbox.Lease, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	for {
		l, err := box.Acquire(ctx, name, owner, time.Hour, outbox.FromBeginning)
		if !errors.Is(err, outbox.ErrLeaseHeld) || ctx.Err() != nil {
			return l, err
		}
	}
}

func leaseEnds(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	one, err := box.Acquire(b.ctx, "reader", "one", time.Millisecond, outbox.FromBeginning)
	if err != nil {
		return err
	}
	two, err := b.takeOver(box, "reader", "two")
	if err != nil {
		return fmt.Errorf("a lease of a millisecond did not end: %w", err)
	}
	if two.Fence <= one.Fence {
		return fmt.Errorf("the fence is %d after %d", two.Fence, one.Fence)
	}
	return nil
}

func leaseFence(b *storeBench) error {
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	box, err := b.outbox()
	if err != nil {
		return err
	}
	one, err := box.Acquire(b.ctx, "reader", "one", time.Millisecond, outbox.FromBeginning)
	if err != nil {
		return err
	}
	batch, err := box.Pending(b.ctx, one, 10)
	if err != nil {
		return err
	}
	two, err := b.takeOver(box, "reader", "two")
	if err != nil {
		return err
	}
	err = want("Advance under an earlier lease", box.Advance(b.ctx, one, batch, 2, []outbox.Parked{parkedRow("reader", "v1")}), outbox.ErrLeaseLost)
	if err != nil {
		return err
	}
	entries, err := (&reader{box, b.ctx, two}).rest(10)
	rows, err2 := box.Parked(b.ctx, outbox.ParkedQuery{})
	return first(err, err2, differ("the entries under the new lease", []string{"v1/1", "v1/2"}, steps(entries)), differ("the number of rows", 0, len(rows)))
}

func parkedRows(b *storeBench) error {
	if _, err := b.create("v1", 3); err != nil {
		return err
	}
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return err
	}
	batch, err := r.box.Pending(b.ctx, r.lease, 2)
	row := parkedRow("reader", "v1")
	other := parkedRow("other", "v1")
	err = first(err, differ("the number of rows before any", 0, len(batch.Parked)),
		r.box.Advance(b.ctx, r.lease, batch, 2, []outbox.Parked{row}), r.box.Park(b.ctx, []outbox.Parked{other}))
	if err != nil {
		return err
	}
	if _, err := b.create("v2", 3); err != nil {
		return err
	}
	after := row
	after.Step, after.Upto, after.Attempts, after.Why, after.Next, after.Version = 2, 3, 0, "error", noon.Add(time.Hour), 2
	after.Failure = []byte("another failure")
	seen, parked, err := r.restWith(after)
	err = first(err, differ("what is pending", []string{"v1/3", "v2/1", "v2/2", "v2/3"}, steps(seen)),
		equal("the rows of what is pending", map[string]outbox.Parked{"v1": row}, parked))
	if err != nil {
		return err
	}
	rows, err := r.box.Parked(b.ctx, outbox.ParkedQuery{Handler: "reader"})
	if err = first(err, equal("the rows", []outbox.Parked{after}, rows)); err != nil {
		return err
	}
	after.Step, after.Version = 4, 3
	if err := r.box.Advance(b.ctx, r.lease, outbox.Batch{}, 0, []outbox.Parked{after}); err != nil {
		return err
	}
	rows, err = r.box.Parked(b.ctx, outbox.ParkedQuery{})
	return first(err, equal("the rows", []outbox.Parked{other}, rows))
}

// restWith reads all that is left, with the parked rows, and writes a row with the
// entries of its verification.
func (r *reader) restWith(row outbox.Parked) (seen []carrierfsm.Entry, parked map[string]outbox.Parked, err error) {
	parked = make(map[string]outbox.Parked)
	for {
		batch, err := r.box.Pending(r.ctx, r.lease, 10)
		if err != nil || len(batch.Entries) == 0 {
			return seen, parked, err
		}
		seen = append(seen, batch.Entries...)
		maps.Copy(parked, batch.Parked)
		var rows []outbox.Parked
		if slices.ContainsFunc(batch.Entries, func(e carrierfsm.Entry) bool { return e.ID == row.ID }) {
			rows = append(rows, row)
		}
		if err := r.box.Advance(r.ctx, r.lease, batch, len(batch.Entries), rows); err != nil {
			return seen, parked, err
		}
	}
}

func parkedMerge(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	stored := parkedRow("reader", "v1")
	stored.Step, stored.Upto = 3, 5
	late := outbox.Parked{ // by a writer that has not read the row
		Handler: "reader", ID: "v1", Step: 4, Upto: 7, Attempts: 1, Why: "error", Failure: []byte("a later failure"),
		Since: noon.Add(time.Second), Next: noon.Add(time.Second), Version: 1,
	}
	if err := first(box.Park(b.ctx, []outbox.Parked{stored}), box.Park(b.ctx, []outbox.Parked{late})); err != nil {
		return err
	}
	merged := stored
	merged.Upto, merged.Attempts, merged.Next, merged.Version = 7, 1, late.Next, 2
	rows, err := box.Parked(b.ctx, outbox.ParkedQuery{})
	if err = first(err, equal("the merged rows", []outbox.Parked{merged}, rows)); err != nil {
		return err
	}
	done := stored // all delivered, as of the row before
	done.Step, done.Version = 6, 4
	if err := box.Park(b.ctx, []outbox.Parked{done}); err != nil {
		return err
	}
	merged.Version = 3
	rows, err = box.Parked(b.ctx, outbox.ParkedQuery{})
	return first(err, equal("the rows after an older version was finished", []outbox.Parked{merged}, rows))
}

func parkedQuery(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	var rows []outbox.Parked // in the order of Parked
	for i, at := range []struct{ handler, id string }{{"a", "v1"}, {"a", "v2"}, {"b", "v1"}, {"b", "v2"}, {"a", "v3"}} {
		row := parkedRow(at.handler, at.id)
		if row.Next = noon; i == 4 {
			row.Next = noon.Add(time.Microsecond)
		}
		rows = append(rows, row)
	}
	mixed := []outbox.Parked{rows[3], rows[0], rows[4], rows[2], rows[1]}
	if err := box.Park(b.ctx, mixed); err != nil {
		return err
	}
	for _, c := range []struct {
		query outbox.ParkedQuery
		want  []outbox.Parked
	}{
		{outbox.ParkedQuery{}, rows},
		{outbox.ParkedQuery{Handler: "a"}, []outbox.Parked{rows[0], rows[1], rows[4]}},
		{outbox.ParkedQuery{ID: "v1"}, []outbox.Parked{rows[0], rows[2]}},
		{outbox.ParkedQuery{IDs: []string{"v3", "v1", "none"}}, []outbox.Parked{rows[0], rows[2], rows[4]}},
		{outbox.ParkedQuery{Handler: "a", IDs: []string{"v2", "v2"}}, []outbox.Parked{rows[1]}},
		{outbox.ParkedQuery{ID: "v1", IDs: []string{"v2"}}, nil},
		{outbox.ParkedQuery{IDs: []string{"v1", "v2", "v3"}, Limit: 2, After: outbox.ParkedKey{Next: noon, Handler: "a", ID: "v1"}}, rows[1:3]},
		{outbox.ParkedQuery{NextBy: noon}, rows[:4]},
		{outbox.ParkedQuery{NextBy: noon.Add(-time.Microsecond)}, nil},
		{outbox.ParkedQuery{Limit: 2}, rows[:2]},
		{outbox.ParkedQuery{Limit: 2, After: outbox.ParkedKey{Next: noon, Handler: "a", ID: "v2"}}, rows[2:4]},
		{outbox.ParkedQuery{Handler: "a", After: outbox.ParkedKey{Next: noon, Handler: "a", ID: "v2"}}, rows[4:]},
	} {
		got, err := box.Parked(b.ctx, c.query)
		if err = first(err, equal(fmt.Sprintf("the rows for %+v", c.query), c.want, got)); err != nil {
			return err
		}
	}
	return nil
}

func parkedPurge(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	ended := record("ended")
	ended.State = carrierfsm.Failed
	if err := first(b.Store.Create(b.ctx, ended), b.Store.Create(b.ctx, record("live"))); err != nil {
		return err
	}
	live := parkedRow("reader", "live")
	if err := box.Park(b.ctx, []outbox.Parked{parkedRow("reader", "ended"), live}); err != nil {
		return err
	}
	n, err := b.Store.Purge(b.ctx, noon.Add(time.Hour), 10)
	rows, err2 := box.Parked(b.ctx, outbox.ParkedQuery{})
	return first(err, err2, differ("the number purged", 1, n), equal("the rows left", []outbox.Parked{live}, rows))
}

func parkedBounds(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	kept := parkedRow("reader", "v1")
	kept.Step, kept.Upto, kept.Attempts, kept.Version = math.MaxInt32-1, math.MaxInt32, math.MaxInt32, math.MaxInt64-1
	if err := box.Park(b.ctx, []outbox.Parked{kept}); err != nil {
		return err
	}
	for _, n := range tooLarge() {
		large := parkedRow("reader", "v2")
		large.Step, large.Upto = n-1, n
		err := box.Park(b.ctx, []outbox.Parked{large})
		rows, err2 := box.Parked(b.ctx, outbox.ParkedQuery{ID: "v2"})
		if err == nil {
			return first(err2, equal("the rows", []outbox.Parked{large}, rows))
		}
		err = first(want(fmt.Sprintf("Park with the step %d", n), err, carrierfsm.ErrInvalid), err2, differ("the number of rows", 0, len(rows)))
		if err != nil {
			return err
		}
	}
	for _, q := range []outbox.ParkedQuery{
		{ID: "v1\x00"},
		{ID: "\xff"},
		{IDs: []string{"v1\x00", "\xff", ""}},
		{Handler: "\x00"},
		{Handler: "reader\xff"},
		{NextBy: farPast},
		{NextBy: kept.Next.Add(-time.Nanosecond)},
		{After: outbox.ParkedKey{Next: farFuture}},
		{After: outbox.ParkedKey{Next: kept.Next, Handler: "reader\x00", ID: "\xff"}},
	} {
		rows, err := box.Parked(b.ctx, q)
		if err = first(err, differ(fmt.Sprintf("the number of rows for %+v", q), 0, len(rows))); err != nil {
			return err
		}
	}
	for _, q := range []outbox.ParkedQuery{
		{},
		{NextBy: farFuture, Limit: math.MaxInt},
		{Limit: math.MinInt},
		{After: outbox.ParkedKey{Next: farPast, ID: "x"}},
		{After: outbox.ParkedKey{Next: kept.Next, Handler: "reader", ID: "v\x00"}},
	} {
		rows, err := box.Parked(b.ctx, q)
		if err = first(err, equal(fmt.Sprintf("the rows for %+v", q), []outbox.Parked{kept}, rows)); err != nil {
			return err
		}
	}
	return nil
}
