package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/group"
)

// writer writes drafts of one kind.
type writer struct {
	*Store
	keyed, free statements // of drafts of which some have a key, and of those of which none has
	queue       *group.Queue[draft]
}

func (s *Store) newWriter(keyed, free statements) *writer {
	w := &writer{Store: s, keyed: keyed, free: free}
	w.queue = group.New(group.Config[draft]{
		One: w.writeOne, Write: w.write, Flights: flights, Most: groupMost, Patience: patience,
		Claim: draft.claim, Keep: draft.own, Size: draft.size, Full: groupFull,
	})
	return w
}

// How writes are grouped. Alone each takes less time; together each takes less
// of the server's, which is what counts once there are more than go side by
// side. See docs/postgres.md.
const (
	flights   = 8                     // writes side by side
	groupMost = 128                   // more gain nothing
	groupFull = 1 << 20               // bytes
	patience  = 20 * time.Millisecond // several times what a group takes on a server nearby
)

func (d draft) claim() group.Claim { return group.Claim{ID: d.record.ID, Key: d.record.Key} }

// Create is carrierfsm.Store's.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.creates.do(ctx, draft{r, entries})
}

// Commit is carrierfsm.Store's.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return s.commits.do(ctx, draft{r, entries})
}

// do has a draft written. ctx ends the waiting; a statement that has been sent
// goes on to its end.
func (w *writer) do(ctx context.Context, d draft) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.hook != nil && len(d.entries) > 0 {
		return w.inTransaction(ctx, d, w.callHook)
	}
	return w.queue.Do(ctx, d)
}

// writeOne writes a draft in a statement of its own, and again where that is
// certain to do no harm.
func (w *writer) writeOne(ctx context.Context, d draft) error {
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	for try := 0; ; try++ {
		verdict, err := w.sendOne(ctx, w.pool, &d)
		switch {
		case err != nil && (!worthAnother(err, try) || ctx.Err() != nil):
			return named(err)
		case err == nil && !errors.Is(verdict, errAgain):
			return verdict
		case !pause(ctx, try):
			return fmt.Errorf("%w: %w", errAgain, ctx.Err())
		}
	}
}

// write is writeOne for several drafts in one statement.
func (w *writer) write(ctx context.Context, drafts []draft) []error {
	ctx, cancel := w.bounded(ctx)
	defer cancel()
	errs := make([]error, len(drafts))
	left := make([]int, len(drafts)) // the places of those without a verdict
	for i := range left {
		left[i] = i
	}
	for try := 0; ; try++ {
		next, err := w.round(ctx, drafts, left, errs)
		switch {
		case err == nil && len(next) == 0:
			return errs
		case err == nil:
			left = next
		case refused(err) && !worthAnother(err, try):
			w.eachAlone(ctx, drafts, left, errs) // one of them spoils it for all
			return errs
		case !worthAnother(err, try) || ctx.Err() != nil:
			return failed(errs, left, named(err))
		}
		if !pause(ctx, try) {
			return failed(errs, left, fmt.Errorf("%w: %w", errAgain, ctx.Err()))
		}
	}
}

// bounded ends a context when a statement has taken too long, unless it ends
// before that.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= s.timeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.timeout)
}

// round sends those that are left once, notes their verdicts and returns the
// places of those that have none yet.
func (w *writer) round(ctx context.Context, drafts []draft, left []int, errs []error) (next []int, err error) {
	batch := drafts
	if len(left) < len(drafts) {
		batch = make([]draft, len(left))
		for i, at := range left {
			batch[i] = drafts[at]
		}
	}
	verdicts, err := w.send(ctx, w.pool, batch)
	if err != nil {
		return nil, err
	}
	for i, verdict := range verdicts {
		if errors.Is(verdict, errAgain) {
			next = append(next, left[i])
		}
		errs[left[i]] = verdict
	}
	return next, nil
}

// eachAlone gives each its own statement after a shared one was refused.
func (w *writer) eachAlone(ctx context.Context, drafts []draft, left []int, errs []error) {
	for _, at := range left {
		errs[at] = w.writeOne(ctx, drafts[at])
	}
}

// failed gives those that are left the same error.
func failed(errs []error, left []int, err error) []error {
	for _, at := range left {
		errs[at] = err
	}
	return errs
}

// pause waits a little before another try, longer each time and never as long
// as a rival. It returns false when ctx ends first.
func pause(ctx context.Context, try int) bool {
	longest := time.Millisecond << min(try, 7)
	timer := time.NewTimer(rand.N(longest)) //nolint:gosec // jitter is no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
