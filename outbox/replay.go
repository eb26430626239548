package outbox

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/carrierfsm/carrierfsm"
)

// Replay has a handler called again for a verification, from the given step on.
// A verification that is parked is tried at once, from the earlier of the two
// steps on. The replica that holds the handler's lease does so, within
// PollInterval. A step below one means the first.
//
// A replay is no transition, so no history mentions it: the log does, and until
// it took place the parked row, with the name that carrierfsm.ByOperator gave.
//
// It returns carrierfsm.ErrNotFound when the verification has no such step, ErrInvalid
// for a name that no handler ever had, for that of a projection and for an operator's
// name that ByOperator does not allow, ErrClosed, ErrStore or the context's error.
func (d *Dispatcher) Replay(ctx context.Context, handler, id string, fromStep int) error {
	if err := d.replay(ctx, handler, id, max(fromStep, 1)); err != nil {
		return &carrierfsm.Error{ID: id, Err: err}
	}
	return nil
}

func (d *Dispatcher) replay(ctx context.Context, handler, id string, from int) error {
	by, err := carrierfsm.Operator(ctx)
	if err != nil {
		return err
	}
	if d.projections[handler] != nil {
		return invalid("a projection has taken each transition once, and takes none again")
	}
	if from > maxHistory {
		return carrierfsm.ErrNotFound
	}
	bounded, cancel := context.WithTimeout(ctx, storeTimeout) // for all four
	defer cancel()
	cursors, err := d.store.Cursors(bounded)
	if err != nil && !isPartial(err) {
		return storeError(ctx, err)
	}
	if !slices.ContainsFunc(cursors, func(c Cursor) bool { return c.Name == handler }) {
		return invalid("no handler of this name has ever run")
	}
	now := d.now()
	row := Parked{Handler: handler, ID: id, Step: from, Since: now, Next: now, Version: newVersion()}
	stored, err := d.store.Parked(bounded, ParkedQuery{Handler: handler, ID: id})
	if err != nil {
		return storeError(ctx, err)
	}
	if len(stored) > 0 {
		row = stored[0]
		row.Step, row.Next = min(row.Step, from), now
	}
	if by != "" {
		row.Why = whyOperator + by
	}
	row.Version++
	entries, err := d.store.History(bounded, id, row.Step-1, maxHistory)
	if err != nil {
		return storeError(ctx, err)
	}
	if len(entries) == 0 {
		return carrierfsm.ErrNotFound
	}
	row.Upto = max(row.Upto, entries[len(entries)-1].Step)
	if err := d.store.Park(bounded, []Parked{row}); err != nil {
		return storeError(ctx, err)
	}
	d.cfg.Logger.InfoContext(ctx, "a handler is to be called again", "handler", handler, "id", id, "step", row.Step, "by", by)
	return nil
}

// maxHistory is more entries than the history of a verification can have.
const maxHistory = 100

// newVersion returns the version of a new parked row. It is random, so that a
// write which is repeated after its answer was lost can't take another row,
// created in between, for its own.
func newVersion() int64 { return 1 + rand.Int64N(1<<62) } //nolint:gosec // no secret
