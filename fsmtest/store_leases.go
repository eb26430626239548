package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

var leaseCases = []storeCase{
	{"OneLeader", "of many who want to lead a cursor at once, one does", oneLeader},
	{"LeaseHolds", "while a lease lasts nobody else leads; its owner prolongs it under the same fence; resigning ends it", leaseHolds},
	{"LeaseEnds", "a lease ends by itself; the next leader's fence is greater", leaseEnds},
	{"LeaseFence", "what an earlier leader writes is refused, all of it", leaseFence},
	{"Parked", "parked rows are written with the cursor's move, come with their entries, and go when nothing is left", parkedRows},
	{"ParkedMerge", "a row that somebody else wrote meanwhile is merged, and loses no step", parkedMerge},
	{"ParkedQuery", "Parked returns just what the query asks for, earliest first, in pages", parkedQuery},
	{"ParkedPurge", "Purge deletes the parked rows of what it deletes", parkedPurge},
}

func parkedRow(handler, id string) carrierfsm.Parked {
	return carrierfsm.Parked{
		Handler: handler, ID: id, Step: 1, Upto: 2, Attempts: 3, Why: "panic",
		Since: noon, Next: noon.Add(time.Minute), Version: 1,
	}
}

func oneLeader(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	var leaders atomic.Int32
	errs := atOnce(8, func(i int) error {
		_, err := box.Lead(b.ctx, "reader", "owner "+strconv.Itoa(i), time.Hour, carrierfsm.FromBeginning)
		if err == nil {
			leaders.Add(1)
			return nil
		}
		return want("Lead", err, carrierfsm.ErrLedByOther)
	})
	return first(errors.Join(errs...), differ("the number of leaders", 1, int(leaders.Load())))
}

func leaseHolds(b *storeBench) error {
	one, err := b.lead("reader", "one", carrierfsm.FromBeginning)
	if err != nil {
		return err
	}
	_, err = b.lead("reader", "two", carrierfsm.FromBeginning)
	if err := want("Lead", err, carrierfsm.ErrLedByOther); err != nil {
		return err
	}
	again, err := b.lead("reader", "one", carrierfsm.FromBeginning)
	if err = first(err, differ("the fence of a lease that was prolonged", one.lease.Fence, again.lease.Fence)); err != nil {
		return err
	}
	if err := one.box.Resign(b.ctx, one.lease); err != nil {
		return fmt.Errorf("calling Resign: %w", err)
	}
	two, err := b.lead("reader", "two", carrierfsm.FromBeginning)
	if err != nil {
		return err
	}
	if err := one.box.Resign(b.ctx, one.lease); err != nil {
		return fmt.Errorf("resigning once more: %w", err)
	}
	_, err = b.lead("reader", "one", carrierfsm.FromBeginning)
	if err := want("Lead, after an earlier leader has resigned once more,", err, carrierfsm.ErrLedByOther); err != nil {
		return err
	}
	if two.lease.Fence <= one.lease.Fence {
		return fmt.Errorf("the fence %d after %d", two.lease.Fence, one.lease.Fence)
	}
	return nil
}

// takeOver leads as soon as the present lease, which is short, has ended.
func (b *storeBench) takeOver(box carrierfsm.Outbox, name, owner string) (carrierfsm.Lease, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	for {
		l, err := box.Lead(ctx, name, owner, time.Hour, carrierfsm.FromBeginning)
		if !errors.Is(err, carrierfsm.ErrLedByOther) || ctx.Err() != nil {
			return l, err
		}
	}
}

func leaseEnds(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	one, err := box.Lead(b.ctx, "reader", "one", time.Millisecond, carrierfsm.FromBeginning)
	if err != nil {
		return err
	}
	two, err := b.takeOver(box, "reader", "two")
	if err != nil {
		return fmt.Errorf("a lease of a millisecond did not end: %w", err)
	}
	if two.Fence <= one.Fence {
		return fmt.Errorf("the fence %d after %d", two.Fence, one.Fence)
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
	one, err := box.Lead(b.ctx, "reader", "one", time.Millisecond, carrierfsm.FromBeginning)
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
	err = want("Advance of an earlier leader", box.Advance(b.ctx, one, batch, 2, []carrierfsm.Parked{parkedRow("reader", "v1")}), carrierfsm.ErrLeaseLost)
	if err != nil {
		return err
	}
	entries, err := (&reader{box, b.ctx, two}).rest(10)
	rows, err2 := box.Parked(b.ctx, carrierfsm.ParkedQuery{})
	return first(err, err2, differ("what the new leader got", []string{"v1/1", "v1/2"}, places(entries)), differ("the number of rows", 0, len(rows)))
}

func parkedRows(b *storeBench) error {
	for _, id := range []string{"v1", "v2"} {
		if _, err := b.create(id, 3); err != nil {
			return err
		}
	}
	r, err := b.lead("reader", "one", carrierfsm.FromBeginning)
	if err != nil {
		return err
	}
	batch, err := r.box.Pending(b.ctx, r.lease, 2)
	row := parkedRow("reader", "v1")
	other := parkedRow("other", "v1")
	err = first(err, differ("the number of rows before any", 0, len(batch.Parked)),
		r.box.Advance(b.ctx, r.lease, batch, 2, []carrierfsm.Parked{row}), r.box.Park(b.ctx, []carrierfsm.Parked{other}))
	if err != nil {
		return err
	}
	batch, err = r.box.Pending(b.ctx, r.lease, 10)
	err = first(err, differ("what is pending", []string{"v1/3", "v2/1", "v2/2", "v2/3"}, places(batch.Entries)),
		equal("the rows of what is pending", map[string]carrierfsm.Parked{"v1": row}, batch.Parked))
	if err != nil {
		return err
	}
	row.Step, row.Upto, row.Attempts, row.Why, row.Next, row.Version = 2, 3, 0, "error", noon.Add(time.Hour), 2
	if err := r.box.Advance(b.ctx, r.lease, batch, 4, []carrierfsm.Parked{row}); err != nil {
		return err
	}
	rows, err := r.box.Parked(b.ctx, carrierfsm.ParkedQuery{Handler: "reader"})
	if err = first(err, equal("the rows", []carrierfsm.Parked{row}, rows)); err != nil {
		return err
	}
	row.Step, row.Version = 4, 3
	if err := r.box.Advance(b.ctx, r.lease, carrierfsm.Batch{}, 0, []carrierfsm.Parked{row}); err != nil {
		return err
	}
	rows, err = r.box.Parked(b.ctx, carrierfsm.ParkedQuery{})
	return first(err, equal("the rows", []carrierfsm.Parked{other}, rows))
}

func parkedMerge(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	stored := parkedRow("reader", "v1")
	stored.Step, stored.Upto = 3, 5
	late := carrierfsm.Parked{ // somebody knew nothing of the row
		Handler: "reader", ID: "v1", Step: 4, Upto: 7, Attempts: 1, Why: "error",
		Since: noon.Add(time.Second), Next: noon.Add(time.Second), Version: 1,
	}
	if err := first(box.Park(b.ctx, []carrierfsm.Parked{stored}), box.Park(b.ctx, []carrierfsm.Parked{late})); err != nil {
		return err
	}
	merged := stored
	merged.Upto, merged.Attempts, merged.Next, merged.Version = 7, 1, late.Next, 2
	rows, err := box.Parked(b.ctx, carrierfsm.ParkedQuery{})
	if err = first(err, equal("the merged rows", []carrierfsm.Parked{merged}, rows)); err != nil {
		return err
	}
	done := stored // all delivered, but of the row as it was
	done.Step, done.Version = 6, 4
	if err := box.Park(b.ctx, []carrierfsm.Parked{done}); err != nil {
		return err
	}
	merged.Version = 3
	rows, err = box.Parked(b.ctx, carrierfsm.ParkedQuery{})
	return first(err, equal("the rows after a finish of an older version", []carrierfsm.Parked{merged}, rows))
}

func parkedQuery(b *storeBench) error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	var rows []carrierfsm.Parked // in the order in which they should come
	for i, at := range []struct{ handler, id string }{{"a", "v1"}, {"a", "v2"}, {"b", "v1"}, {"b", "v2"}, {"a", "v3"}} {
		row := parkedRow(at.handler, at.id)
		if row.Next = noon; i == 4 {
			row.Next = noon.Add(time.Microsecond)
		}
		rows = append(rows, row)
	}
	mixed := []carrierfsm.Parked{rows[3], rows[0], rows[4], rows[2], rows[1]}
	if err := box.Park(b.ctx, mixed); err != nil {
		return err
	}
	for _, c := range []struct {
		query carrierfsm.ParkedQuery
		want  []carrierfsm.Parked
	}{
		{carrierfsm.ParkedQuery{}, rows},
		{carrierfsm.ParkedQuery{Handler: "a"}, []carrierfsm.Parked{rows[0], rows[1], rows[4]}},
		{carrierfsm.ParkedQuery{ID: "v1"}, []carrierfsm.Parked{rows[0], rows[2]}},
		{carrierfsm.ParkedQuery{NextBy: noon}, rows[:4]},
		{carrierfsm.ParkedQuery{NextBy: noon.Add(-time.Microsecond)}, nil},
		{carrierfsm.ParkedQuery{Limit: 2}, rows[:2]},
		{carrierfsm.ParkedQuery{Limit: 2, After: carrierfsm.ParkedMark{Next: noon, Handler: "a", ID: "v2"}}, rows[2:4]},
		{carrierfsm.ParkedQuery{Handler: "a", After: carrierfsm.ParkedMark{Next: noon, Handler: "a", ID: "v2"}}, rows[4:]},
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
	if err := box.Park(b.ctx, []carrierfsm.Parked{parkedRow("reader", "ended"), live}); err != nil {
		return err
	}
	n, err := b.Store.Purge(b.ctx, noon.Add(time.Hour), 10)
	rows, err2 := box.Parked(b.ctx, carrierfsm.ParkedQuery{})
	return first(err, err2, differ("the number purged", 1, n), equal("the rows left", []carrierfsm.Parked{live}, rows))
}
