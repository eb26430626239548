package fsmtest_test

import (
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// skipping skips an entry now and then, as a store does whose positions come from
// a sequence and whose reader does not wait for late commits.
type skipping struct{ *memory.Store }

func (s skipping) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	b, err := s.Store.Pending(ctx, l, limit)
	if len(b.Entries) > 2 {
		b.Entries = slices.Delete(b.Entries, 1, 2)
	}
	return b, err
}

type passesAll struct{ *memory.Store }

func (s passesAll) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, _ int, rows []outbox.Parked) error {
	return s.Store.Advance(ctx, l, b, len(b.Entries), rows)
}

type fromBeginning struct{ *memory.Store }

func (s fromBeginning) Acquire(ctx context.Context, name, owner string, lasts time.Duration, _ outbox.Start) (outbox.Lease, error) {
	return s.Store.Acquire(ctx, name, owner, lasts, outbox.FromBeginning)
}

type lagless struct{ *memory.Store }

func (s lagless) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	list, err := s.Store.Cursors(ctx)
	for i := range list {
		list[i].Behind = time.Time{}
	}
	return list, err
}

type endedLease struct{ *memory.Store }

func (s endedLease) Acquire(ctx context.Context, name, owner string, _ time.Duration, start outbox.Start) (outbox.Lease, error) {
	return s.Store.Acquire(ctx, name, owner, 0, start)
}

type endlessLease struct{ *memory.Store }

func (s endlessLease) Acquire(ctx context.Context, name, owner string, _ time.Duration, start outbox.Start) (outbox.Lease, error) {
	return s.Store.Acquire(ctx, name, owner, time.Hour, start)
}

type fenceless struct{ *memory.Store }

func (s fenceless) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	for l.Fence = range int64(10) {
		if s.Store.Advance(ctx, l, b, n, rows) == nil {
			return nil
		}
	}
	return outbox.ErrLeaseLost
}

type losesRows struct{ *memory.Store }

func (s losesRows) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, _ []outbox.Parked) error {
	return s.Store.Advance(ctx, l, b, n, nil)
}

// rowsAfter and rowsBefore write the cursor and the rows in two transactions.
type rowsAfter struct{ *memory.Store }

func (s rowsAfter) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if err := s.Store.Advance(ctx, l, b, n, nil); err != nil {
		return err
	}
	return s.Park(ctx, rows)
}

type rowsBefore struct{ *memory.Store }

func (s rowsBefore) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if err := s.Park(ctx, rows); err != nil {
		return err
	}
	return s.Store.Advance(ctx, l, b, n, nil)
}

type overwrites struct{ *memory.Store }

func (s overwrites) Park(ctx context.Context, rows []outbox.Parked) error {
	for i := range rows {
		if stored, _ := s.Parked(ctx, outbox.ParkedQuery{Handler: rows[i].Handler, ID: rows[i].ID}); len(stored) > 0 {
			rows[i].Version = stored[0].Version + 1
		}
	}
	return s.Store.Park(ctx, rows)
}

type allRows struct{ *memory.Store }

func (s allRows) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	q.Handler = ""
	return s.Store.Parked(ctx, q)
}

// keepsFailures restores the parked rows as they were before an Erase.
type keepsFailures struct{ *memory.Store }

func (s keepsFailures) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	rows, _ := s.Parked(ctx, outbox.ParkedQuery{ID: r.ID})
	if err := s.Store.Erase(ctx, r, e...); err != nil {
		return err
	}
	for i := range rows {
		rows[i].Version++
	}
	return s.Park(ctx, rows)
}

// losesFailures parks rows without them.
type losesFailures struct{ *memory.Store }

func (s losesFailures) Park(ctx context.Context, rows []outbox.Parked) error {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Failure = nil
	}
	return s.Store.Park(ctx, rows)
}

func (s losesFailures) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Failure = nil
	}
	return s.Store.Advance(ctx, l, b, n, rows)
}
