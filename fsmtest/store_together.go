package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var togetherCases = []storeCase{
	{"ParkedTogether", "a cursor and the parked rows of one Advance are written in one commit: no reader and no context that ends in between finds one without the other", parkedTogether},
	{"ParkedAtOnce", "a reader beside Advance sees the cursor and the parked rows change at once", parkedAtOnce},
}

// parkedTogether ends the context of Advance when the store looks at it for the
// first time, for the second time, and so on.
func parkedTogether(b *storeBench) error {
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	for looks, ended := 1, true; ended && looks <= 50; looks++ {
		ctx := endingAtLook(b.ctx, looks)
		a, err := b.advance(ctx, "reader"+strconv.Itoa(looks))
		if err != nil {
			return err
		}
		ended = ctx.Context.Err() != nil
		passed, err := a.together(b.ctx)
		if err == nil && a.err == nil && !passed {
			err = fmt.Errorf("the cursor did not move, without an error")
		}
		if err != nil {
			return fmt.Errorf("with a context that ends at look %d: %w", looks, err)
		}
	}
	return nil
}

// parkedAtOnce reads while Advance writes.
func parkedAtOnce(b *storeBench) error {
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	const readers = 6
	if err := b.slowReads(); err != nil {
		return err
	}
	for round := range 8 {
		a, err := b.readyToAdvance("reader" + strconv.Itoa(round))
		if err != nil {
			return err
		}
		written := make(chan struct{})
		errs := concurrently(readers+1, func(i int) error {
			if i == readers {
				defer close(written)
				_, err := a.together(b.ctx) // the readers have begun
				a.write(b.ctx)
				return first(err, a.err)
			}
			return a.readUntil(b.ctx, written)
		})
		_, err = a.together(b.ctx)
		if err = first(errors.Join(errs...), err); err != nil {
			return err
		}
	}
	return nil
}

// slowReads parks many rows, so that reads take some time: then a store in memory
// whose lock is free for a moment is read in that moment.
func (b *storeBench) slowReads() error {
	box, err := b.outbox()
	if err != nil {
		return err
	}
	rows := make([]outbox.Parked, 2000)
	for i := range rows {
		rows[i] = parkedRow("another", fmt.Sprintf("v%d", i))
	}
	return box.Park(b.ctx, rows)
}

// advance is one Advance over all entries, with one parked row.
type advance struct {
	*reader
	batch outbox.Batch
	err   error // of Advance
}

func (b *storeBench) readyToAdvance(name string) (*advance, error) {
	r, err := b.acquire(name, "one", outbox.FromBeginning)
	if err != nil {
		return nil, err
	}
	batch, err := r.box.Pending(b.ctx, r.lease, 10)
	return &advance{reader: r, batch: batch}, first(err, differ("what is pending", []string{"v1/1", "v1/2"}, steps(batch.Entries)))
}

func (b *storeBench) advance(ctx context.Context, name string) (*advance, error) {
	a, err := b.readyToAdvance(name)
	if err == nil {
		a.write(ctx)
	}
	return a, err
}

func (a *advance) write(ctx context.Context) {
	a.err = a.box.Advance(ctx, a.lease, a.batch, len(a.batch.Entries), []outbox.Parked{parkedRow(a.lease.Name, "v1")})
}

// together checks that the cursor has passed the entries if the row is parked, and
// only then. A write may end between the reads: then it reads again.
func (a *advance) together(ctx context.Context) (passed bool, err error) {
	for {
		before, err := a.passed(ctx)
		if err != nil {
			return false, err
		}
		rows, err := a.box.Parked(ctx, outbox.ParkedQuery{Handler: a.lease.Name})
		if err != nil {
			return false, err
		}
		after, err := a.passed(ctx)
		switch {
		case err != nil:
			return false, err
		case before == after && before != (len(rows) == 1):
			return after, fmt.Errorf("the cursor has passed the entries: %v; rows parked: %d", after, len(rows))
		case before == after:
			return after, nil
		}
	}
}

// readUntil checks again and again, until the channel is closed.
func (a *advance) readUntil(ctx context.Context, written <-chan struct{}) error {
	for {
		select {
		case <-written:
			return nil
		default:
		}
		if _, err := a.together(ctx); err != nil {
			return err
		}
	}
}

// passed reports whether nothing is left after the cursor.
func (a *advance) passed(ctx context.Context) (bool, error) {
	list, err := a.box.Cursors(ctx)
	for _, c := range list {
		if c.Name == a.lease.Name {
			return c.Behind.IsZero(), err
		}
	}
	return false, first(err, fmt.Errorf("there is no cursor %s", a.lease.Name))
}

// lookedAt is a context that ends when it is looked at for a certain time.
type lookedAt struct {
	context.Context //nolint:containedctx // the parent of a context
	cancel          context.CancelFunc

	mu   sync.Mutex
	left int
}

func endingAtLook(parent context.Context, looks int) *lookedAt {
	ctx, cancel := context.WithCancel(parent)
	return &lookedAt{Context: ctx, cancel: cancel, left: looks}
}

func (c *lookedAt) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left <= 0 {
		c.cancel()
	}
}

// Done is context.Context's.
func (c *lookedAt) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

// Err is context.Context's.
func (c *lookedAt) Err() error {
	c.look()
	return c.Context.Err()
}

// purger and retirer are further powers of a store: see outbox.Outbox.
type purger interface {
	PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error)
}

type retirer interface {
	Retire(ctx context.Context, name string) error
}

func purgeDelivered(b *storeBench) error {
	store, ok := b.Store.(purger)
	if !ok {
		return nil
	}
	purge := func(limit, deleted, kept int, ids ...string) error {
		d, k, err := store.PurgeDelivered(b.ctx, noon.Add(time.Hour), limit)
		if err = first(err, differ("the numbers deleted and kept", [2]int{deleted, kept}, [2]int{d, k})); err != nil {
			return err
		}
		left, err := b.Store.List(b.ctx, carrierfsm.Query{})
		got := idsOf(left)
		slices.Sort(got)
		return first(err, differ("the ids left", ids, got))
	}
	for i, id := range []string{"a", "b", "c", "d"} {
		r := record(id)
		r.State, r.Updated = carrierfsm.Failed, noon.Add(time.Duration(i)*time.Second)
		if _, err := b.put(r, 2); err != nil {
			return err
		}
	}
	if _, err := b.create("live", 2); err != nil {
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
	if err := purge(10, 0, 4, "a", "b", "c", "d", "live"); err != nil {
		return fmt.Errorf("while a cursor has passed nothing: %w", err)
	}
	if err := purge(3, 0, 3, "a", "b", "c", "d", "live"); err != nil {
		return fmt.Errorf("with a lower limit: %w", err)
	}
	parked, whole, err := two.passSome()
	if err != nil {
		return err
	}
	left := slices.DeleteFunc([]string{"a", "b", "c", "d", "live"}, func(id string) bool { return slices.Contains(whole, id) })
	if err := purge(10, len(whole), 4-len(whole), left...); err != nil {
		return fmt.Errorf("with one that is parked and one that is half passed: %w", err)
	}
	if _, err := two.rest(10); err != nil {
		return err
	}
	if err := purge(10, 3-len(whole), 1, parked, "live"); err != nil {
		return fmt.Errorf("with one that is parked: %w", err)
	}
	row := parkedRow("two", parked)
	row.Step, row.Version = row.Upto+1, row.Version+1
	return first(two.box.Park(b.ctx, []outbox.Parked{row}), purge(10, 1, 0, "live"))
}

// passSome passes entries one by one until an ended verification is half passed and
// another one is passed as a whole. It parks the first that ended, and returns it and the
// others that are passed as a whole.
func (r *reader) passSome() (parked string, whole []string, err error) {
	half := ""
	for half == "" || len(whole) == 0 {
		batch, err := r.box.Pending(r.ctx, r.lease, 1)
		if err != nil || len(batch.Entries) == 0 {
			return parked, whole, first(err, errors.New("nothing is pending any more"))
		}
		e, rows := batch.Entries[0], []outbox.Parked(nil)
		switch {
		case e.ID == "live":
		case parked == "":
			parked, rows = e.ID, []outbox.Parked{parkedRow(r.lease.Name, e.ID)}
		case e.ID != parked && e.Step == 1:
			half = e.ID
		case e.ID != parked:
			half, whole = "", append(whole, e.ID)
		}
		if err := r.box.Advance(r.ctx, r.lease, batch, 1, rows); err != nil {
			return parked, whole, err
		}
	}
	return parked, whole, nil
}

func retires(b *storeBench) error {
	store, ok := b.Store.(retirer)
	if !ok {
		return nil
	}
	if _, err := b.create("v1", 2); err != nil {
		return err
	}
	one, err := b.acquire("one", "owner", outbox.FromBeginning)
	if err != nil {
		return err
	}
	other := parkedRow("two", "v1")
	err = first(one.box.Park(b.ctx, []outbox.Parked{parkedRow("one", "v1"), other}),
		want("Retire of a cursor that is held", store.Retire(b.ctx, "one"), outbox.ErrLeaseHeld),
		one.box.Release(b.ctx, one.lease), store.Retire(b.ctx, "one"), store.Retire(b.ctx, "unknown"))
	if err != nil {
		return err
	}
	cursors, err := one.box.Cursors(b.ctx)
	rows, err2 := one.box.Parked(b.ctx, outbox.ParkedQuery{})
	return first(err, err2, differ("the number of cursors", 0, len(cursors)), equal("the rows", []outbox.Parked{other}, rows))
}
