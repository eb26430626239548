package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Deliver does once what Run does again and again: it calls the handlers for
// all that they have before them, and for what is parked and due, and tells
// how many calls succeeded. It is for tests, and for hosts that have no place
// for Run. A handler that another replica leads is left to that. The error
// joins those of the handlers, which don't stop one another, and ErrStore.
func (m *Machine) Deliver(ctx context.Context) (handled int, _ error) {
	var mu sync.Mutex
	var errs []error
	couriers, err := m.couriers(func(e Entry, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			handled++
			return
		}
		errs = append(errs, &Error{ID: e.ID, State: e.To, Step: e.Step, Err: err})
	})
	if err != nil {
		return 0, err
	}
	for _, c := range couriers {
		if err := c.once(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%w (handler %s)", storeError(err), c.name))
		}
	}
	return handled, errors.Join(errs...)
}

// once leads for as long as there is something to deliver.
func (c *courier) once(ctx context.Context) error {
	lease, until, err := c.lead(ctx)
	if errors.Is(err, ErrLedByOther) {
		return nil
	}
	if err != nil {
		return err
	}
	r := &reign{courier: c, lease: lease, until: until}
	ctx, end := context.WithCancel(ctx)
	var prolonging sync.WaitGroup
	prolonging.Go(func() { r.prolong(ctx) })
	defer r.resign(ctx)
	defer prolonging.Wait()
	defer end()
	if _, err := r.retryDue(ctx); err != nil {
		return err
	}
	for {
		batch, err := r.pending(ctx)
		if err != nil || len(batch.Entries) == 0 {
			return err
		}
		n, rows := r.deliver(ctx, batch)
		if err := r.advanceOnce(ctx, batch, n, rows); err != nil {
			return err
		}
		if n < len(batch.Entries) {
			return ctx.Err()
		}
	}
}
