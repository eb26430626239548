package carrierfsm

import (
	"context"
	"errors"
	"sync"
	"time"
)

// sweepPage is how many due records are read at once.
const sweepPage = 100

// Run settles what is due and calls the handlers, until ctx ends, and returns
// nil then. Every replica may run it; whoever comes first does the work. A
// commit of this process wakes its handlers at once, one of another process
// within PollInterval. What fails is logged, once for each record, and tried
// again. When ctx ends it starts nothing new, and returns once the handlers
// under way have: after Delivery.Timeout and a few seconds at the latest.
func (m *Machine) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	defer loops.Wait()
	couriers, err := m.couriers(nil)
	if err != nil {
		return err
	}
	for _, c := range couriers {
		loops.Go(func() { c.run(ctx) })
	}
	m.keepSettling(ctx)
	return nil
}

// mostWarned bounds what keepSettling remembers.
const mostWarned = 1000

// keepSettling sweeps, again and again until ctx ends.
func (m *Machine) keepSettling(ctx context.Context) {
	ticker := time.NewTicker(m.cfg.PollInterval)
	defer ticker.Stop()
	var asked sync.WaitGroup
	defer asked.Wait()
	warned := make(map[string]bool)
	for ctx.Err() == nil {
		m.sweep(ctx, &asked, func(id string, err error) {
			if !warned[id] && ctx.Err() == nil {
				if len(warned) == mostWarned {
					clear(warned)
				}
				warned[id] = true
				m.cfg.Logger.WarnContext(ctx, "what is due could not be settled", "id", id, "err", err)
			}
		})
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

// Settle does once what Run does again and again: it settles every prompt
// whose time is over, asks for the reports whose time has come, and settles every
// call whose process died before it could store what came of it, and tells how
// many. The error joins those of the records that could not be settled, which
// don't stop the others.
func (m *Machine) Settle(ctx context.Context) (int, error) {
	var errs []error
	var asked sync.WaitGroup
	n := m.sweep(ctx, &asked, func(id string, err error) {
		errs = append(errs, &Error{ID: id, Err: err})
	})
	asked.Wait()
	return n, errors.Join(errs...)
}

// sweep settles what is due now and tells how many that was. A record that
// can't be opened is reported and passed over.
func (m *Machine) sweep(ctx context.Context, asked *sync.WaitGroup, report func(id string, err error)) (settled int) {
	var mark DueMark
	for ctx.Err() == nil {
		records, err := m.store.Due(ctx, m.now(), mark, sweepPage)
		if err != nil {
			report("", storeError(err))
			return settled
		}
		for _, r := range records {
			switch done, err := m.settleDue(ctx, r, asked); {
			case err != nil:
				report(r.ID, err)
			case done:
				settled++
			}
		}
		if len(records) < sweepPage {
			return settled
		}
		last := records[len(records)-1]
		mark = DueMark{Due: last.Due, ID: last.ID}
	}
	return settled
}

// settleDue settles one record as it was read; the version check sees to it
// that a timer can't fire into a later step.
func (m *Machine) settleDue(ctx context.Context, r Record, asked *sync.WaitGroup) (bool, error) {
	o, err := m.codec.open(r)
	if err != nil {
		return false, err
	}
	d, due := o.overdue(m.now(), m.cfg.Limits)
	switch {
	case due:
		err = m.commit(ctx, &d)
	case o.Watch != nil && m.cfg.Reporter != nil:
		err = m.askForReport(ctx, o, asked)
	case o.Watch != nil:
		err = m.commit(ctx, &decision{opened: o.leaveReport(m.now(), m.cfg.Limits)})
	default:
		return false, nil
	}
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return false, nil // somebody else was first
	}
	return err == nil, err
}
