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
		Write: w.write, Flights: flights, Least: groupLeast, Most: groupMost, Patience: patience,
		Names: namesOf, Keep: draft.own, Size: draft.size, Full: groupFull,
	})
	return w
}

// How writes are grouped. Alone each takes less time; together each takes less
// of the server's, which is what counts once many wait. See docs/postgres.md.
const (
	flights    = 8                     // writes at once
	groupLeast = 4                     // fewer go one by one, side by side
	groupMost  = 128                   // more gain nothing
	groupFull  = 1 << 20               // bytes
	patience   = 20 * time.Millisecond // several times what a group takes on a server nearby
)

// namesOf are what two drafts in one statement must not share: the id and the key.
func namesOf(d draft) []string {
	if d.record.Key == "" {
		return []string{"i" + d.record.ID}
	}
	return []string{"i" + d.record.ID, "k" + d.record.Key}
}

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

// write writes drafts in one statement, and again where that is certain to do
// no harm.
func (w *writer) write(ctx context.Context, drafts []draft) []error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
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
		case len(left) > 1 && refused(err) && !worthAnother(err, try):
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
		errs[at] = w.write(ctx, drafts[at:at+1])[0]
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
