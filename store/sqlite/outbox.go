package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/lease"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// Acquire implements outbox.Outbox. While another owner holds the lease, it only
// reads.
func (s *Store) Acquire(ctx context.Context, name, owner string, lasts time.Duration, start outbox.Start) (l outbox.Lease, err error) {
	if err := s.enter(ctx); err != nil {
		return l, err
	}
	defer s.leave()
	if err := legal.Lease(name, owner); err != nil {
		return l, err
	}
	reading, stop := s.calls.Until(ctx)
	defer stop()
	if c, err := readCursor(reading, s.readDB, name); err == nil && c.HeldByOther(owner, time.Now()) {
		return l, outbox.ErrLeaseHeld
	}
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		c, err := readCursor(ctx, tx, name)
		if errors.Is(err, sql.ErrNoRows) {
			if c, err = newCursor(ctx, tx, start); err == nil {
				_, err = tx.ExecContext(ctx, forgetAllCounts, name) // of one that an older build retired
			}
		}
		if err != nil {
			return err
		}
		if now := time.Now(); !c.Acquire(owner, now, now.Add(lasts)) {
			return outbox.ErrLeaseHeld
		}
		l = outbox.Lease{Name: name, Owner: owner, Fence: c.Fence}
		_, err = tx.ExecContext(ctx, `INSERT INTO carrierfsm_cursors (name, position, owner, until, fence) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until, fence = excluded.fence`,
			name, c.Position, c.Owner, micros(c.Until), c.Fence)
		return err
	})
	return l, err
}

// Release implements outbox.Outbox.
func (s *Store) Release(ctx context.Context, l outbox.Lease) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE carrierfsm_cursors SET owner = '', until = 0 WHERE name = ? AND fence = ?`, l.Name, l.Fence)
		return err
	})
}

// readCursor returns sql.ErrNoRows for a cursor that does not exist.
func readCursor(ctx context.Context, db querier, name string) (c lease.Cursor, err error) {
	var until int64
	err = db.QueryRowContext(ctx, `SELECT position, owner, until, fence FROM carrierfsm_cursors WHERE name = ?`, name).
		Scan(&c.Position, &c.Owner, &until, &c.Fence)
	c.Until = timeOf(until)
	return c, err
}

func newCursor(ctx context.Context, tx *sql.Tx, start outbox.Start) (c lease.Cursor, err error) {
	switch start {
	case outbox.FromBeginning:
	case outbox.FromNow:
		// SQLite keeps the last position here, even if its entry was purged.
		const last = `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'carrierfsm_history'`
		err = tx.QueryRowContext(ctx, last).Scan(&c.Position)
	default:
		var history bool
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM carrierfsm_history)`).Scan(&history)
		if history {
			err = outbox.ErrNoStart
		}
	}
	return c, err
}

// Pending implements outbox.Outbox.
func (s *Store) Pending(ctx context.Context, l outbox.Lease, limit int) (b outbox.Batch, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return b, err
	}
	defer done(&err)
	rows, err := s.prepared.pending.QueryContext(ctx, l.Name, max(limit, 0))
	if b.Entries, err = collect(rows, err, scanEntry); err != nil || len(b.Entries) == 0 {
		return b, err
	}
	first, last := b.Entries[0].Position, b.Entries[len(b.Entries)-1].Position
	rows, err = s.prepared.pendingParked.QueryContext(ctx, l.Name, first, last)
	list, err := collect(rows, err, scanParked)
	b.Parked = make(map[string]outbox.Parked, len(list))
	for _, row := range list {
		b.Parked[row.ID] = row
	}
	return b, err
}

// Advance implements outbox.Outbox.
func (s *Store) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := legal.Parked(rows); err != nil {
		return err
	}
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		position := int64(0)
		if n > 0 {
			position = b.Entries[n-1].Position
		}
		result, err := tx.ExecContext(ctx, `UPDATE carrierfsm_cursors SET position = max(position, ?) WHERE name = ? AND fence = ?`, position, l.Name, l.Fence)
		if err != nil {
			return err
		}
		if updated, err := result.RowsAffected(); err != nil {
			return err
		} else if updated == 0 {
			return outbox.ErrLeaseLost
		}
		return park(ctx, tx, rows)
	})
}

// Cursors implements outbox.Outbox.
func (s *Store) Cursors(ctx context.Context) (list []outbox.Cursor, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	rows, err := s.readDB.QueryContext(ctx, `SELECT c.name, c.owner, c.until,
			coalesce((SELECT h.at FROM carrierfsm_history h WHERE h.position > c.position ORDER BY h.position LIMIT 1), 0),
			(SELECT count(*) FROM carrierfsm_parked p WHERE p.handler = c.name)
		FROM carrierfsm_cursors c ORDER BY c.name`)
	return collect(rows, err, func(rows *sql.Rows) (c outbox.Cursor, err error) {
		var stored lease.Cursor
		var until, behind int64
		err = rows.Scan(&c.Name, &stored.Owner, &until, &behind, &c.Parked)
		stored.Until = timeOf(until)
		if stored.Held(time.Now()) {
			c.Owner, c.Until = stored.Owner, stored.Until
		}
		c.Behind = timeOf(behind)
		return c, err
	})
}

// AfterRestore makes a file that was restored from a backup ready for handlers: it
// ends the leases that were held at the time of the backup. Call it once, before
// processes use the file.
func (s *Store) AfterRestore(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE carrierfsm_cursors SET owner = '', until = 0, fence = fence + 1`)
		return err
	})
}
