package outbox

import (
	"context"
	"errors"

	"github.com/carrierfsm/carrierfsm"
)

// Projection is a handler whose result is written in the same commit as its cursor, so
// that it has taken each transition exactly once. A Dispatcher gives it what comes
// after its cursor, on the replica that holds the lease, each PollInterval: so figures
// that are a second old cost a commit a second. It has no parked rows: while it fails, it
// gets the same entries again.
//
// Package store/figures has one.
type Projection interface {
	// Name is that of its cursor. The rules of Config.Handlers apply.
	Name() string
	// Advance writes the result of all entries of the batch and moves the cursor behind
	// them, in one commit and under the lease, with a method of the store. It returns
	// ErrLeaseLost as Outbox.Advance does, and where the cursor has moved since the
	// batch was read. After any other error the commit may have taken place; the
	// dispatcher then reads the cursor again.
	Advance(ctx context.Context, l Lease, b Batch) error
}

// projectionPage is how many entries a projection gets at once: each row of its result
// is written once for all of them.
const projectionPage = 1000

// project gives a projection what comes after its cursor. Its error is ErrLeaseLost or
// carrierfsm.ErrClosed.
func (t *term) project(ctx context.Context) error {
	for ctx.Err() == nil {
		if !t.holdsLease() {
			return ErrLeaseLost
		}
		n, err := t.projectOnce(ctx)
		if errors.Is(err, ErrLeaseLost) || errors.Is(err, carrierfsm.ErrClosed) {
			return err
		}
		if t.failed(ctx, "project", err) || n < projectionPage {
			pause(ctx, t.cfg.PollInterval)
		}
	}
	return nil
}

// projectAll gives a projection all that comes after its cursor.
func (t *term) projectAll(ctx context.Context) error {
	for {
		if n, err := t.projectOnce(ctx); err != nil || n == 0 {
			return err
		}
	}
}

// projectOnce gives a projection a page, and returns how many entries it had.
func (t *term) projectOnce(ctx context.Context) (n int, err error) {
	b, err := t.pending(ctx, projectionPage)
	if err != nil || len(b.Entries) == 0 {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	first, last := b.Entries[0], b.Entries[len(b.Entries)-1]
	ctx, report := t.cfg.Observer.handle(ctx, HandleStart{Shard: t.part.shard, Handler: t.name, ID: last.ID, Step: last.Step, Event: last.Event})
	done := HandleDone{Why: whyPanic}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		done.Lag = max(0, t.now().Sub(first.At))
		report(done)
	}()
	err = t.projection.Advance(ctx, t.lease, b)
	if done.Why = ""; err != nil {
		done.Why = whyError
	}
	return len(b.Entries), err
}
