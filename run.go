package carrierfsm

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// duePage is how many due records are read at once.
	duePage = 100
	// maxWarned is how many records Run remembers to have warned about.
	maxWarned = 1000
)

// Run settles what is due, until ctx ends, and returns nil then. Every replica
// may run it: of several, the one that commits first settles a record. What
// fails is logged, once for each record, and tried again. When ctx ends it
// starts nothing new.
func (m *Machine) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.cfg.PollInterval)
	defer ticker.Stop()
	var reports sync.WaitGroup
	defer reports.Wait()
	warned := make(map[string]bool)
	for ctx.Err() == nil {
		m.sweep(ctx, &reports, func(id string, err error) {
			if !warned[id] && ctx.Err() == nil {
				if len(warned) == maxWarned {
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
	return nil
}

// Settle does once what Run does repeatedly: it settles every prompt whose
// deadline has passed and every call whose process died before it committed the
// outcome, and asks for the reports that are due. It returns how many records
// it settled. The error joins those of the records that could not be settled,
// which don't stop the others.
func (m *Machine) Settle(ctx context.Context) (int, error) {
	var errs []error
	var reports sync.WaitGroup
	n := m.sweep(ctx, &reports, func(id string, err error) {
		errs = append(errs, &Error{ID: id, Err: err})
	})
	reports.Wait()
	return n, errors.Join(errs...)
}

// sweep settles what is due now and returns how many records that were. It
// calls failed for a record that it can't settle, and goes on.
func (m *Machine) sweep(ctx context.Context, reports *sync.WaitGroup, failed func(id string, err error)) (settled int) {
	var after PageKey
	for ctx.Err() == nil {
		records, err := m.store.Due(ctx, m.now(), after, duePage)
		if err != nil {
			failed("", storeError(ctx, err))
			return settled
		}
		for _, r := range records {
			switch done, err := m.settleDue(ctx, r, reports); {
			case err != nil:
				failed(r.ID, err)
			case done:
				settled++
			}
		}
		if len(records) < duePage {
			return settled
		}
		last := records[len(records)-1]
		after = PageKey{Time: last.Due, ID: last.ID}
	}
	return settled
}

// settleDue settles one record as it was read. The store's version check keeps
// a deadline from settling a later step.
func (m *Machine) settleDue(ctx context.Context, r Record, reports *sync.WaitGroup) (bool, error) {
	s, err := m.codec.decode(r)
	if err != nil {
		return false, err
	}
	d, due := s.overdue(m.now(), m.cfg.Limits)
	switch {
	case due:
		err = m.commit(ctx, &d)
	case s.Watch != nil && m.cfg.Reporter != nil:
		err = m.startReport(ctx, s, reports)
	case s.Watch != nil:
		err = m.commit(ctx, &decision{snapshot: s.postponeReport(m.now(), m.cfg.Limits)})
	default:
		return false, nil
	}
	if errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound) {
		return false, nil // another replica was first
	}
	return err == nil, err
}
