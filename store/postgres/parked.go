package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

const parkedColumns = `handler, id, step, upto, attempts, why, since, next, version, error`

// putParked replaces a row with its next version and merges any other version
// with it, as Outbox.Advance says.
const putParked = `INSERT INTO carrierfsm_parked AS p (` + parkedColumns + `)
	VALUES ($1::text, $2::text, $3::integer, $4::integer, $5::integer, $6::text, $7::timestamptz, $8::timestamptz, $9::bigint, $10::bytea)
	ON CONFLICT (handler, id) DO UPDATE SET
		step     = CASE WHEN p.version = excluded.version - 1 THEN excluded.step     ELSE least(p.step, excluded.step) END,
		upto     = CASE WHEN p.version = excluded.version - 1 THEN excluded.upto     ELSE greatest(p.upto, excluded.upto) END,
		attempts = CASE WHEN p.version = excluded.version - 1 THEN excluded.attempts ELSE least(p.attempts, excluded.attempts) END,
		why      = CASE WHEN p.version = excluded.version - 1 THEN excluded.why      ELSE p.why END,
		since    = CASE WHEN p.version = excluded.version - 1 THEN excluded.since    ELSE p.since END,
		error    = CASE WHEN p.version = excluded.version - 1 THEN excluded.error    ELSE p.error END,
		next     = CASE WHEN p.version = excluded.version - 1 THEN excluded.next     ELSE least(p.next, excluded.next) END,
		version  = p.version + 1`

// deleteParked deletes a row that leaves no step to deliver.
const deleteParked = `DELETE FROM carrierfsm_parked WHERE handler = $1::text AND id = $2::text AND step > upto`

// Park implements outbox.Outbox.
func (s *Store) Park(ctx context.Context, rows []outbox.Parked) error {
	if len(rows) == 0 {
		return s.usable(ctx)
	}
	return s.parkAfter(ctx, rows, func(context.Context, pgx.Tx) error { return nil })
}

// parkAfter calls first and then writes the rows, in one transaction. All callers
// lock rows in the same order, so that they don't deadlock.
func (s *Store) parkAfter(ctx context.Context, rows []outbox.Parked, first func(context.Context, pgx.Tx) error) error {
	if err := legal.Parked(rows); err != nil {
		return err
	}
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i].Failure = bytes.Clone(rows[i].Failure) // the caller may return before
	}
	slices.SortStableFunc(rows, func(a, b outbox.Parked) int {
		return cmp.Or(cmp.Compare(a.Handler, b.Handler), cmp.Compare(a.ID, b.ID))
	})
	_, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (struct{}, error) {
		if err := first(ctx, tx); err != nil {
			return struct{}{}, err
		}
		var batch pgx.Batch
		for _, r := range rows {
			batch.Queue(putParked, r.Handler, r.ID, int32(r.Step), int32(r.Upto), int32(r.Attempts), r.Why, r.Since.UTC(), r.Next.UTC(), r.Version, r.Failure)
			if r.Step > r.Upto { // else neither it nor a merged row leaves no step
				batch.Queue(deleteParked, r.Handler, r.ID)
			}
		}
		return struct{}{}, tx.SendBatch(ctx, &batch).Close()
	})
	return s.outboxWrote(err)
}

// legalIDs returns those of the ids that a column can have. The server would refuse others.
func legalIDs(ids []string) []string {
	list := []string{}
	for _, id := range ids {
		if legal.ID(id) {
			list = append(list, id)
		}
	}
	return list
}

// Parked implements outbox.Outbox.
func (s *Store) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	c := new(conditions)
	c.words(q.Handler, q.ID)
	c.add(legal.Word(q.Handler) && q.Handler != "", func() string { return `handler = ` + c.arg(q.Handler) + `::text` })
	c.add(legal.Word(q.ID) && q.ID != "", func() string { return `id = ` + c.arg(q.ID) + `::text` })
	c.add(len(q.IDs) > 0, func() string { return `id = ANY (` + c.arg(legalIDs(q.IDs)) + `::text[])` })
	c.add(!q.NextBy.IsZero(), func() string { return `next <= ` + c.arg(legal.Floor(q.NextBy)) + `::timestamptz` })
	c.add(q.After != (outbox.ParkedKey{}), func() string {
		return `(next, handler, id) > (` + c.arg(legal.Floor(q.After.Next)) + `::timestamptz, ` + c.arg(legal.KeyID(q.After.Handler)) + `::text, ` + c.arg(legal.KeyID(q.After.ID)) + `::text)`
	})
	sql := `SELECT ` + parkedColumns + ` FROM carrierfsm_parked` + c.where() + ` ORDER BY next, handler, id LIMIT ` + c.limit(q.Limit)
	if err := s.pass(ctx, &s.outboxWrites); err != nil {
		return nil, err
	}
	return read(ctx, s, func(row pgx.CollectableRow) (p outbox.Parked, err error) {
		err = row.Scan(&p.Handler, &p.ID, &p.Step, &p.Upto, &p.Attempts, &p.Why, &p.Since, &p.Next, &p.Version, &p.Failure)
		p.Since, p.Next = p.Since.UTC(), p.Next.UTC()
		return p, err
	}, sql, c.args...)
}
