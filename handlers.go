package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Handler is host code that is run for transitions once they are committed:
// to tell the person, to go on with an order, to count. It can't undo anything.
//
// A handler gets every transition of every verification at least once, those
// of one verification in order, different verifications side by side. After a
// crash it may get one again: (ID, Step) names a transition for good. While it
// fails for a verification, by an error, a panic or by taking longer than
// Delivery.Timeout, the later ones of that verification wait, and it is tried
// again, at growing intervals and without an end; other verifications go on.
// One that ignores the end of its context may still be running when it is
// called again.
type Handler func(ctx context.Context, t Transition) error

// Delivery is how handlers are run.
type Delivery struct {
	// Start is where a handler begins whose name the store does not know yet.
	// Defaults to FromBeginning.
	Start Start
	// Workers is how many verifications one handler is called for at once, and
	// as many again for those that it has to catch up with. Defaults to 8.
	Workers int
	// Timeout is how long one call of a handler may take. It also bounds how
	// long Run takes to return. Defaults to 30 s.
	Timeout time.Duration
	// Lease is how long another replica waits when the one that leads a handler
	// has gone without a word. Defaults to 15 s, at least 1 s is advisable.
	Lease time.Duration
	// RetryMin and RetryMax bound the interval between two tries, which doubles
	// from one to the other, give or take a quarter. Default to 1 s and 10 min.
	RetryMin, RetryMax time.Duration
}

func (d Delivery) withDefaults() (Delivery, error) {
	if d.Start < FromBeginning || d.Start > FromNow {
		return d, invalid("Delivery.Start is none of ours")
	}
	err := firstError(
		orDefault(&d.Workers, 8),
		orDefault(&d.Timeout, 30*time.Second),
		orDefault(&d.Lease, 15*time.Second),
		orDefault(&d.RetryMin, time.Second),
		orDefault(&d.RetryMax, max(10*time.Minute, d.RetryMin)),
	)
	if err == nil && d.RetryMin > d.RetryMax {
		err = invalid("Delivery.RetryMin is more than RetryMax")
	}
	return d, err
}

// checkHandlers sees that what the handlers need is there.
func (c Config) checkHandlers() error {
	if len(c.Handlers) == 0 {
		return nil
	}
	if _, ok := c.Store.(Outbox); !ok {
		return fmt.Errorf("%w: handlers need one", ErrNoOutbox)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Handlers)) {
		if c.Handlers[name] == nil || len(name) > 128 || !plainName(name) {
			return invalid("a handler is nil, or its name is not 1 to 128 bytes of printable ASCII without spaces")
		}
	}
	return nil
}

// Cursors tells how far each handler has come that ever ran on this store. It
// returns ErrNoOutbox or ErrStore.
func (m *Machine) Cursors(ctx context.Context) ([]Cursor, error) {
	box, err := m.outbox()
	if err != nil {
		return nil, err
	}
	list, err := box.Cursors(ctx)
	if err != nil {
		return nil, storeError(err)
	}
	return list, nil
}

// Parked returns verifications that a handler has to catch up with, those to
// be tried next first. It returns ErrNoOutbox or ErrStore.
func (m *Machine) Parked(ctx context.Context, q ParkedQuery) ([]Parked, error) {
	box, err := m.outbox()
	if err != nil {
		return nil, err
	}
	list, err := box.Parked(ctx, q)
	if err != nil {
		return nil, storeError(err)
	}
	return list, nil
}

// Replay has a handler called again for a verification, from the given step
// on, to do over what was done wrong. One that is parked is tried at once
// instead of at its time, from the earlier of the two steps on. It takes place
// on the replica that leads the handler, within PollInterval. A step below one
// means the first. It is no transition, so no history tells of it: the log does, and until
// it has taken place the parked row, with the name that ByOperator gave. It returns ErrNotFound
// when the verification has no such step, ErrNoOutbox, ErrInvalid for a name that no handler
// ever had, or ErrStore.
func (m *Machine) Replay(ctx context.Context, handler, id string, fromStep int) error {
	box, err := m.outbox()
	if err != nil {
		return err
	}
	if err := m.replay(ctx, box, handler, id, max(fromStep, 1)); err != nil {
		return &Error{ID: id, Err: err}
	}
	return nil
}

func (m *Machine) replay(ctx context.Context, box Outbox, handler, id string, from int) error {
	by, err := operator(ctx)
	if err != nil {
		return err
	}
	cursors, err := box.Cursors(ctx)
	if err != nil {
		return storeError(err)
	}
	if !slices.ContainsFunc(cursors, func(c Cursor) bool { return c.Name == handler }) {
		return invalid("no handler of this name has ever run")
	}
	now := m.now()
	row := Parked{Handler: handler, ID: id, Step: from, Since: now, Next: now, Version: anyVersion()}
	if known, err := box.Parked(ctx, ParkedQuery{Handler: handler, ID: id}); err != nil {
		return storeError(err)
	} else if len(known) > 0 {
		row = known[0]
		row.Step, row.Next = min(row.Step, from), now
	}
	if by != "" {
		row.Why = whyOperator + by
	}
	row.Version++
	entries, err := m.store.History(ctx, id, row.Step-1, 2*maxSteps)
	if err != nil {
		return storeError(err)
	}
	if len(entries) == 0 {
		return ErrNotFound
	}
	row.Upto = max(row.Upto, entries[len(entries)-1].Step)
	if err := box.Park(ctx, []Parked{row}); err != nil {
		return storeError(err)
	}
	m.cfg.Logger.InfoContext(ctx, "a handler is to be called again", "handler", handler, "id", id, "step", row.Step, "by", by)
	return nil
}

func (m *Machine) outbox() (Outbox, error) {
	box, ok := m.cfg.Store.(Outbox)
	if !ok {
		return nil, ErrNoOutbox
	}
	return box, nil
}

// The reasons for which a verification is parked.
const (
	whyError      = "error"
	whyPanic      = "panic"
	whyTimeout    = "timeout"
	whyUnreadable = "unreadable"
	whyOperator   = "by " // and a name
)

// errUnwound is what a handler leaves that ended its goroutine.
var errUnwound = errors.New("the handler ended its goroutine")

// call runs a handler once. A handler that outlasts its time is left behind.
func (h Handler) call(ctx context.Context, t Transition, timeout time.Duration) (why string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	type outcome struct {
		why string
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		o := outcome{whyPanic, errUnwound}
		defer func() {
			if p := recover(); p != nil {
				o.err = fmt.Errorf("panic: %v", p)
			}
			done <- o
		}()
		if err := h(ctx, t); err != nil {
			o = outcome{whyError, err}
		} else {
			o = outcome{}
		}
	}()
	select {
	case o := <-done:
		return o.why, o.err
	case <-ctx.Done():
		return whyTimeout, ctx.Err()
	}
}
