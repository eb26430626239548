package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

var lifeCases = []storeCase{
	{"CanceledContext", "a method that is called with a context that has ended writes nothing and returns the context's error", canceledContext},
	{"Closed", "after Close, every method returns ErrClosed; closing again is no error", closed},
	{"CloseWaits", "calls that are running when Close is called return their result or ErrClosed", closeWaits},
}

var outboxLifeCases = []storeCase{
	{"OutboxContext", "a method that is called with a context that has ended writes nothing and returns the context's error", outboxContext},
	{"OutboxClosed", "after Close, every method returns ErrClosed", outboxClosed},
	{"OutboxReopen", "cursors, leases and parked rows are stored after a crash", outboxReopens},
}

// calls calls every method of a store, for a record that is stored, and returns the
// errors by name.
func calls(ctx context.Context, s carrierfsm.Store, stored carrierfsm.Record) map[string]error {
	errs := make(map[string]error)
	after, e := next(stored)
	errs["Create"] = s.Create(ctx, record("v2"))
	errs["Commit"] = s.Commit(ctx, after, e)
	errs["Erase"] = s.Erase(ctx, after, e)
	_, errs["Load"] = s.Load(ctx, stored.ID)
	_, errs["History"] = s.History(ctx, stored.ID, 0, 10)
	_, errs["List"] = s.List(ctx, carrierfsm.Query{})
	_, errs["Due"] = s.Due(ctx, noon.Add(24*time.Hour), carrierfsm.PageKey{}, 10)
	_, errs["Purge"] = s.Purge(ctx, noon.Add(24*time.Hour), 10)
	return errs
}

// outboxCalls is calls for the methods of an outbox.
func outboxCalls(ctx context.Context, box outbox.Outbox, l outbox.Lease, b outbox.Batch) map[string]error {
	errs := make(map[string]error)
	rows := []outbox.Parked{parkedRow("reader", "v1")}
	_, errs["Acquire"] = box.Acquire(ctx, "another", "one", time.Hour, outbox.FromBeginning)
	_, errs["Pending"] = box.Pending(ctx, l, 10)
	errs["Advance"] = box.Advance(ctx, l, b, len(b.Entries), rows)
	errs["Park"] = box.Park(ctx, rows)
	_, errs["Parked"] = box.Parked(ctx, outbox.ParkedQuery{})
	_, errs["Cursors"] = box.Cursors(ctx)
	errs["Release"] = box.Release(ctx, l)
	return errs
}

// allWant checks that all errors match target.
func allWant(errs map[string]error, target error) error {
	var wrong []error
	for name, err := range errs {
		wrong = append(wrong, want(name, err, target))
	}
	return errors.Join(wrong...)
}

// close closes the store, if it can be closed.
func (b *storeBench) close() (bool, error) {
	c, ok := b.Store.(io.Closer)
	if !ok {
		return false, nil
	}
	if err := c.Close(); err != nil {
		return false, fmt.Errorf("calling Close: %w", err)
	}
	return true, nil
}

func canceledContext(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := first(allWant(calls(over, b.Store, r), context.Canceled), b.stores(r)); err != nil {
		return err
	}
	_, err = b.Store.Load(b.ctx, "v2")
	return want("Load of what was not created", err, carrierfsm.ErrNotFound)
}

func closed(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	if closed, err := b.close(); !closed {
		return err
	}
	_, err = b.close()
	return first(allWant(calls(b.ctx, b.Store, r), carrierfsm.ErrClosed), err)
}

// closeWaits closes the store while many use it.
func closeWaits(b *storeBench) error {
	c, ok := b.Store.(io.Closer)
	if !ok {
		return nil
	}
	const users = 8
	var working sync.WaitGroup
	working.Add(users)
	var over atomic.Bool
	errs := concurrently(users+2, func(i int) error {
		if i >= users { // two close it
			working.Wait()
			err := c.Close()
			over.Store(true)
			return err
		}
		begun := sync.OnceFunc(working.Done)
		defer begun()
		r := record(fmt.Sprintf("v%d", i))
		err := b.Store.Create(b.ctx, r)
		for err == nil {
			begun()
			if over.Load() {
				_, err = b.Store.Load(b.ctx, r.ID)
				break
			}
			var e carrierfsm.Entry
			r, e = next(r)
			if err = b.Store.Commit(b.ctx, r, e); err == nil {
				_, err = b.Store.Load(b.ctx, r.ID)
			}
			if err == nil {
				_, err = b.Store.List(b.ctx, carrierfsm.Query{Limit: 1})
			}
		}
		return want("a call of a store that is being closed", err, carrierfsm.ErrClosed)
	})
	return errors.Join(errs...)
}

// settled creates a verification, and returns a reader with its entries pending.
func (b *storeBench) settled() (*reader, outbox.Batch, error) {
	if _, err := b.create("v1", 2); err != nil {
		return nil, outbox.Batch{}, err
	}
	r, err := b.acquire("reader", "one", outbox.FromBeginning)
	if err != nil {
		return nil, outbox.Batch{}, err
	}
	batch, err := r.box.Pending(b.ctx, r.lease, 10)
	return r, batch, err
}

func outboxContext(b *storeBench) error {
	r, batch, err := b.settled()
	if err != nil {
		return err
	}
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := allWant(outboxCalls(over, r.box, r.lease, batch), context.Canceled); err != nil {
		return err
	}
	again, err := r.box.Pending(b.ctx, r.lease, 10)
	rows, err2 := r.box.Parked(b.ctx, outbox.ParkedQuery{})
	cursors, err3 := r.box.Cursors(b.ctx)
	_, err4 := r.box.Acquire(b.ctx, "reader", "two", time.Hour, outbox.FromBeginning)
	return first(err, err2, err3, want("Acquire of a lease that was not released", err4, outbox.ErrLeaseHeld),
		differ("what is pending", []string{"v1/1", "v1/2"}, steps(again.Entries)),
		differ("the number of rows", 0, len(rows)), differ("the number of cursors", 1, len(cursors)))
}

func outboxClosed(b *storeBench) error {
	r, batch, err := b.settled()
	if err != nil {
		return err
	}
	if closed, err := b.close(); !closed {
		return err
	}
	return allWant(outboxCalls(b.ctx, r.box, r.lease, batch), carrierfsm.ErrClosed)
}

func outboxReopens(b *storeBench) error {
	r, batch, err := b.settled()
	if err != nil || b.Reopen == nil {
		return err
	}
	row := parkedRow("reader", "v1")
	if err := r.box.Advance(b.ctx, r.lease, batch, 1, []outbox.Parked{row}); err != nil {
		return err
	}
	again, err := b.Reopen()
	if err != nil {
		return fmt.Errorf("calling Reopen: %w", err)
	}
	b.Store = again
	box, err := b.outbox()
	if err != nil {
		return err
	}
	_, held := box.Acquire(b.ctx, "reader", "two", time.Hour, outbox.FromBeginning)
	rows, err := box.Parked(b.ctx, outbox.ParkedQuery{})
	rest, err2 := (&reader{box, b.ctx, r.lease}).rest(10)
	return first(err, err2, want("Acquire of a lease that was held at the crash", held, outbox.ErrLeaseHeld),
		equal("the rows", []outbox.Parked{row}, rows), differ("what is pending", []string{"v1/2"}, steps(rest)))
}
