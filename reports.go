package carrierfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// startReport asks the Reporter for one report, in a goroutine that running
// counts, unless maxReports are being asked for already. The claim is committed
// first, so that one replica asks.
func (m *Machine) startReport(ctx context.Context, s *snapshot, running *sync.WaitGroup) error {
	if !m.reports.TryAcquire() {
		return nil // the record stays due
	}
	claimed := &decision{snapshot: s.claimReport(m.now(), m.cfg.Limits)}
	if err := m.commitSoon(ctx, claimed); err != nil {
		m.reports.Release()
		return err
	}
	running.Go(func() {
		defer m.reports.Release()
		err := m.askReport(ctx, &claimed.snapshot)
		if err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) && ctx.Err() == nil {
			m.cfg.Logger.WarnContext(ctx, "a report can't be asked for yet", "id", s.ID, "err", err)
		}
	})
	return nil
}

// askReport asks the Reporter and commits its answer. ErrConflict means that
// the record was erased or resealed meanwhile, ErrNotFound that it was purged.
func (m *Machine) askReport(ctx context.Context, s *snapshot) error {
	token := NewSecret(s.Token)
	defer token.Destroy()
	bounded, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	state, err := m.reportState(bounded, token)
	if err != nil {
		return err
	}
	var d decision
	if d.reported(s, state, m.now(), m.cfg.Limits) {
		return m.commitSoon(ctx, &d)
	}
	return nil
}

// reportState asks the Reporter. A panic is an error: the host goes on.
func (m *Machine) reportState(ctx context.Context, token Secret) (state ReportState, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("carrierfsm: the Reporter panicked: %T", p)
		}
	}()
	return m.cfg.Reporter.ReportState(ctx, token)
}
