package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// Lead is carrierfsm.Outbox's. While another leads, it only reads.
func (s *Store) Lead(ctx context.Context, name, owner string, lasts time.Duration, start carrierfsm.Start) (l carrierfsm.Lease, err error) {
	if c, err := readCursor(ctx, s.read, name); err == nil && c.ledByOther(owner) {
		return l, carrierfsm.ErrLedByOther
	}
	err = s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		c, err := readCursor(ctx, tx, name)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			if c, err = newCursor(ctx, tx, start); err != nil {
				return err
			}
		case err != nil:
			return err
		case c.ledByOther(owner):
			return carrierfsm.ErrLedByOther
		}
		if c.owner != owner {
			c.fence++
		}
		l = carrierfsm.Lease{Name: name, Owner: owner, Fence: c.fence}
		_, err = tx.ExecContext(ctx, `INSERT INTO carrierfsm_cursors (name, position, owner, until, fence) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until, fence = excluded.fence`,
			name, c.position, owner, micros(time.Now().Add(lasts)), c.fence)
		return err
	})
	return l, err
}

// Resign is carrierfsm.Outbox's.
func (s *Store) Resign(ctx context.Context, l carrierfsm.Lease) error {
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE carrierfsm_cursors SET owner = '', until = 0 WHERE name = ? AND fence = ?`, l.Name, l.Fence)
		return err
	})
}

// cursor is a row of the table.
type cursor struct {
	position int64
	owner    string
	until    time.Time
	fence    int64
}

func (c cursor) led() bool { return c.owner != "" && time.Now().Before(c.until) }

func (c cursor) ledByOther(owner string) bool { return c.owner != owner && c.led() }

// readCursor's error is sql.ErrNoRows for a cursor that does not exist.
func readCursor(ctx context.Context, db querier, name string) (c cursor, err error) {
	var until int64
	err = db.QueryRowContext(ctx, `SELECT position, owner, until, fence FROM carrierfsm_cursors WHERE name = ?`, name).
		Scan(&c.position, &c.owner, &until, &c.fence)
	c.until = moment(until)
	return c, err
}

func newCursor(ctx context.Context, tx *sql.Tx, start carrierfsm.Start) (c cursor, err error) {
	if start == carrierfsm.FromNow {
		// The table of SQLite that remembers also what was purged.
		const latest = `SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'carrierfsm_history'`
		err = tx.QueryRowContext(ctx, latest).Scan(&c.position)
	}
	return c, err
}

// Pending is carrierfsm.Outbox's.
func (s *Store) Pending(ctx context.Context, l carrierfsm.Lease, limit int) (b carrierfsm.Batch, err error) {
	rows, err := s.prepared.pending.QueryContext(ctx, l.Name, max(limit, 0))
	if b.Entries, err = collect(rows, err, scanEntry); err != nil || len(b.Entries) == 0 {
		return b, err
	}
	last := b.Entries[len(b.Entries)-1].Position
	rows, err = s.prepared.pendingParked.QueryContext(ctx, l.Name, b.Entries[0].Position, last)
	list, err := collect(rows, err, scanParked)
	b.Parked = make(map[string]carrierfsm.Parked, len(list))
	for _, row := range list {
		b.Parked[row.ID] = row
	}
	return b, err
}

// Advance is carrierfsm.Outbox's.
func (s *Store) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		position := int64(0)
		if n > 0 {
			position = b.Entries[n-1].Position
		}
		result, err := tx.ExecContext(ctx, `UPDATE carrierfsm_cursors SET position = max(position, ?) WHERE name = ? AND fence = ?`, position, l.Name, l.Fence)
		if err != nil {
			return err
		}
		if led, err := result.RowsAffected(); err != nil {
			return err
		} else if led == 0 {
			return carrierfsm.ErrLeaseLost
		}
		return park(ctx, tx, rows)
	})
}

// Cursors is carrierfsm.Outbox's.
func (s *Store) Cursors(ctx context.Context) ([]carrierfsm.Cursor, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT c.name, c.owner, c.until,
			coalesce((SELECT h.at FROM carrierfsm_history h WHERE h.position > c.position ORDER BY h.position LIMIT 1), 0),
			(SELECT count(*) FROM carrierfsm_parked p WHERE p.handler = c.name)
		FROM carrierfsm_cursors c ORDER BY c.name`)
	return collect(rows, err, func(rows *sql.Rows) (shown carrierfsm.Cursor, err error) {
		var c cursor
		var until, behind int64
		err = rows.Scan(&shown.Name, &c.owner, &until, &behind, &shown.Parked)
		c.until = moment(until)
		if c.led() {
			shown.Owner, shown.Until = c.owner, c.until
		}
		shown.Behind = moment(behind)
		return shown, err
	})
}
