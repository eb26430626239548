package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/figures"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

var _ figures.Store = (*Store)(nil)

// readCounts reads the rows that are about to be changed. Only the holder of the lease
// changes them, after it has locked the cursor in the same transaction.
const readCounts = `SELECT i.ord, f.counts
	FROM unnest($2::integer[], $3::timestamptz[], $4::text[]) WITH ORDINALITY AS i (seconds, start, source, ord)
	JOIN carrierfsm_figures f ON f.handler = $1::text AND f.seconds = i.seconds AND f.start = i.start AND f.source = i.source`

const putCounts = `INSERT INTO carrierfsm_figures (handler, seconds, start, source, counts)
	SELECT $1::text, i.seconds, i.start, i.source, i.counts
	FROM unnest($2::integer[], $3::timestamptz[], $4::text[], $5::bytea[]) AS i (seconds, start, source, counts)
	ON CONFLICT (handler, seconds, start, source) DO UPDATE SET counts = excluded.counts`

const forgetCounts = `DELETE FROM carrierfsm_figures WHERE handler = $1::text AND seconds = $2::integer AND (start, source) IN (
	SELECT start, source FROM carrierfsm_figures WHERE handler = $1::text AND seconds = $2::integer AND start < $3::timestamptz
	ORDER BY start, source LIMIT $4::bigint)`

const forgetAllCounts = `DELETE FROM carrierfsm_figures WHERE handler = $1::text`

const listCounts = `SELECT start, source, counts FROM carrierfsm_figures
	WHERE handler = $1::text AND seconds = $2::integer AND start >= $3::timestamptz AND start < $4::timestamptz ORDER BY start, source`

func seconds(period time.Duration) int32 { return int32(period / time.Second) }

// Count implements figures.Store. It also returns ErrLeaseLost if a failover to an
// asynchronous standby has lost what the batch was read from.
func (s *Store) Count(ctx context.Context, l outbox.Lease, b outbox.Batch, change figures.Change) error {
	if err := figures.CheckChange(change); err != nil {
		return err
	}
	c, ok := b.State.(cursor)
	if !ok || len(b.Entries) == 0 {
		return errors.New("carrierfsm/postgres: the batch was not returned by Pending of this store, or is empty")
	}
	last := len(b.Entries) - 1
	sql, args := s.guarded(advanceCursor, whereLease), moveArgs(l, c, c.advanced(b.Entries, last+1), &b.Entries[last])
	_, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (_ struct{}, err error) {
		tag, err := tx.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = outbox.ErrLeaseLost
		}
		if err == nil {
			err = addCounts(ctx, tx, l.Name, change.Add)
		}
		for period, before := range change.Forget {
			if err == nil {
				_, err = tx.Exec(ctx, forgetCounts, l.Name, seconds(period), legal.Ceil(before), int64(figures.ForgetLimit))
			}
		}
		return struct{}{}, err
	})
	return s.outboxWrote(err)
}

// addCounts adds rows to those that are stored.
func addCounts(ctx context.Context, tx pgx.Tx, handler string, rows []figures.Row) error {
	n := len(rows)
	periods, starts, sources := make([]int32, n), make([]time.Time, n), make([]string, n)
	sums, encoded := make([]figures.Counts, n), make([][]byte, n)
	for i, r := range rows {
		periods[i], starts[i], sources[i] = seconds(r.Period), r.Start.UTC(), r.Source
		sums[i] = slices.Clone(r.Counts)
	}
	stored, err := tx.Query(ctx, readCounts, handler, periods, starts, sources)
	if err != nil {
		return err
	}
	var ord int64
	var counts []byte
	_, err = pgx.ForEachRow(stored, []any{&ord, &counts}, func() error { return sums[ord-1].AddBinary(counts) })
	if err != nil {
		return err
	}
	for i := range sums {
		if encoded[i], err = sums[i].AppendBinary(nil); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, putCounts, handler, periods, starts, sources, encoded)
	return err
}

// Counts implements figures.Store.
func (s *Store) Counts(ctx context.Context, handler string, period time.Duration, from, until time.Time) ([]figures.Row, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if !legal.ID(handler) {
		return nil, nil // no cursor has this name
	}
	if err := s.pass(ctx, &s.outboxWrites); err != nil {
		return nil, err
	}
	var counts []byte // decoded before the next row
	return read(ctx, s, func(row pgx.CollectableRow) (r figures.Row, err error) {
		r.Period = period
		if err = row.Scan(&r.Start, &r.Source, &counts); err == nil {
			err = r.Counts.AddBinary(counts)
		}
		r.Start = r.Start.UTC()
		return r, err
	}, listCounts, handler, seconds(period), legal.Ceil(from), legal.Ceil(until))
}
