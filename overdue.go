package carrierfsm

import (
	"context"
	"time"
)

// Overdue is a verification that Run should have settled and has not.
type Overdue struct {
	Summary
	// Err is why this machine can't settle it: it matches ErrSealed,
	// ErrNewerTable or ErrCorrupt, and nil where nothing is known against it.
	Err error
}

// Overdue returns verifications that have been due for longer than the given
// time, the longest first, at most limit of them; zero or less means 100. It
// settles nothing. While some replica runs Run, and the store takes writes,
// there are none that are due for longer than PollInterval but those that can't
// be opened. To go on behind a page, pass the Due and ID of its last.
//
// It returns ErrStore.
func (m *Machine) Overdue(ctx context.Context, longer time.Duration, after DueMark, limit int) ([]Overdue, error) {
	if limit <= 0 {
		limit = 100
	}
	records, err := m.store.Due(ctx, m.now().Add(-max(0, longer)), after, limit)
	if err != nil {
		return nil, storeError(err)
	}
	list := make([]Overdue, len(records))
	for i, r := range records {
		list[i].Summary = summary(r)
		if _, err := m.codec.open(r); err != nil {
			list[i].Err = &Error{ID: r.ID, State: r.State, Step: r.Step, Err: err}
		}
	}
	return list, nil
}
