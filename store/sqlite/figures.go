package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

var _ figures.Store = (*Store)(nil)

// countedCursor moves a cursor that has passed none of the batch: positions are
// committed in ascending order.
const countedCursor = `UPDATE carrierfsm_cursors SET position = ? WHERE name = ? AND fence = ? AND position < ?`

const readCounts = `SELECT counts FROM carrierfsm_figures WHERE handler = ? AND seconds = ? AND start = ? AND source = ?`

const putCounts = `INSERT INTO carrierfsm_figures (handler, seconds, start, source, counts) VALUES (?, ?, ?, ?, ?)
	ON CONFLICT (handler, seconds, start, source) DO UPDATE SET counts = excluded.counts`

const forgetCounts = `DELETE FROM carrierfsm_figures WHERE (handler, seconds, start, source) IN (
	SELECT handler, seconds, start, source FROM carrierfsm_figures WHERE handler = ? AND seconds = ? AND start < ? ORDER BY start, source LIMIT ?)`

const forgetAllCounts = `DELETE FROM carrierfsm_figures WHERE handler = ?`

const listCounts = `SELECT start, source, counts FROM carrierfsm_figures
	WHERE handler = ? AND seconds = ? AND start >= ? AND start < ? ORDER BY start, source`

func seconds(period time.Duration) int64 { return int64(period / time.Second) }

// Count implements figures.Store.
func (s *Store) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, c figures.Change) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	if err := figures.CheckChange(c); err != nil {
		return err
	}
	if len(b.Entries) == 0 {
		return outbox.ErrLeaseLost
	}
	first, last := b.Entries[0].Position, b.Entries[len(b.Entries)-1].Position
	return s.inTransaction(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, countedCursor, last, l.Name, l.Fence, first)
		if err != nil {
			return err
		}
		if updated, err := result.RowsAffected(); err != nil {
			return err
		} else if updated == 0 {
			return outbox.ErrLeaseLost
		}
		if err := addCounts(ctx, tx, l.Name, c.Add); err != nil {
			return err
		}
		for period, before := range c.Forget {
			if _, err := tx.ExecContext(ctx, forgetCounts, l.Name, seconds(period), micros(legal.Ceil(before)), figures.ForgetLimit); err != nil {
				return err
			}
		}
		return nil
	})
}

// addCounts adds rows to those that are stored.
func addCounts(ctx context.Context, tx *sql.Tx, handler string, rows []figures.Row) (err error) {
	var read, put *sql.Stmt
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{{&read, readCounts}, {&put, putCounts}} {
		if *p.to, err = tx.PrepareContext(ctx, p.text); err != nil {
			return err
		}
		defer func() { _ = (*p.to).Close() }() // the transaction tells what failed
	}
	for _, r := range rows {
		key := []any{handler, seconds(r.Period), r.Start.UnixMicro(), r.Source}
		var stored []byte
		err := read.QueryRowContext(ctx, key...).Scan(&stored)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var sum figures.Counts
		if err == nil {
			if err := sum.AddBinary(stored); err != nil {
				return err
			}
		}
		sum.Add(r.Counts)
		encoded, err := sum.AppendBinary(nil)
		if err != nil {
			return err
		}
		if _, err := put.ExecContext(ctx, append(key, encoded)...); err != nil {
			return err
		}
	}
	return nil
}

// Counts implements figures.Store.
func (s *Store) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) (list []figures.Row, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return nil, err
	}
	defer done(&err)
	rows, err := s.readDB.QueryContext(ctx, listCounts, handler, seconds(period), micros(legal.Ceil(from)), micros(legal.Ceil(until)))
	return collect(rows, err, func(rows *sql.Rows) (figures.Row, error) {
		r := figures.Row{Period: period}
		var start int64
		var encoded sql.RawBytes
		if err := rows.Scan(&start, &r.Source, &encoded); err != nil {
			return r, err
		}
		r.Start = time.UnixMicro(start).UTC()
		return r, r.Counts.AddBinary(encoded)
	})
}
