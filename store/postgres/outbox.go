package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
)

// leadCursor takes the lease where it is free. Where it is not, nothing is
// locked or written.
const leadCursor = `WITH led AS (
	UPDATE carrierfsm_cursors SET owner = $2::text, until = now() + $3::bigint * interval '1 microsecond',
		fence = fence + CASE WHEN owner = $2::text THEN 0 ELSE 1 END
	WHERE name = $1::text AND (owner IN ($2::text, '') OR until <= now())
	RETURNING fence)
SELECT coalesce((SELECT fence FROM led), 0), EXISTS (SELECT FROM carrierfsm_cursors WHERE name = $1::text)`

// Lead is carrierfsm.Outbox's. While another leads, it only reads.
func (s *Store) Lead(ctx context.Context, name, owner string, lasts time.Duration, start carrierfsm.Start) (carrierfsm.Lease, error) {
	for {
		l := carrierfsm.Lease{Name: name, Owner: owner}
		var exists bool
		err := patiently(ctx, func(ctx context.Context) error {
			return s.pool.QueryRow(ctx, leadCursor, name, owner, lasts.Microseconds()).Scan(&l.Fence, &exists)
		})
		switch {
		case err != nil:
			return carrierfsm.Lease{}, named(err)
		case l.Fence > 0:
			return l, nil
		case exists:
			return carrierfsm.Lease{}, carrierfsm.ErrLedByOther
		default:
			if err := s.createCursor(ctx, name, start); err != nil {
				return carrierfsm.Lease{}, named(err)
			}
		}
	}
}

// lastPlace is the latest place that was drawn; 0 before the first.
const lastPlace = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM carrierfsm_position`

// newestGaps are the gaps between the entries that are there and the latest
// place drawn, which is the last row's high. What another handler knows to be
// settled is left out, and so are gaps behind a thousand others, or behind so
// many places.
const newestGaps = `WITH place AS (` + lastPlace + `),
	settled AS (SELECT greatest(coalesce(max(settled), 0), (SELECT last FROM place) - $1::bigint) AS upto FROM carrierfsm_cursors),
	places AS (
		SELECT h.position FROM settled, carrierfsm_history h WHERE h.position > settled.upto
		UNION ALL SELECT last + 1 FROM place),
	gaps AS (SELECT lag(position, 1, (SELECT upto FROM settled)) OVER (ORDER BY position) + 1 AS low, position - 1 AS high FROM places)
SELECT low, high FROM ((SELECT low, high FROM gaps WHERE low <= high ORDER BY low DESC LIMIT 1000)
	UNION ALL SELECT last + 1, last FROM place) AS all_gaps ORDER BY low`

// farBack is behind how many places nobody looks for gaps: to look at all that
// ever happened would take longer than a statement may. A transaction that drew
// a place has some seconds to end, and so many are drawn in a hundred seconds,
// at ten thousand a second.
const farBack = 1_000_000

// insertCursor makes a cursor that nobody leads. Its transaction has a higher
// id than any that drew a place before.
const insertCursor = `INSERT INTO carrierfsm_cursors (name, owner, until, fence, position, settled, candidate, bound, lows, highs, bounds)
	SELECT $1::text, '', now(), 0, $2::bigint, (SELECT coalesce(max(settled), 0) FROM carrierfsm_cursors), 0, 0,
		$3::bigint[], $4::bigint[], array_fill(pg_current_xact_id()::text::bigint, ARRAY[cardinality($3::bigint[])])
	ON CONFLICT DO NOTHING`

// createCursor makes a cursor, unless somebody else is faster. What it reads it
// reads in the transaction that writes: see holes.go.
func (s *Store) createCursor(ctx context.Context, name string, start carrierfsm.Start) error {
	return patiently(ctx, func(ctx context.Context) error {
		return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: s.begin}, func(tx pgx.Tx) error {
			var position int64
			var gaps []hole
			if start == carrierfsm.FromNow {
				var err error
				if gaps, position, err = latest(ctx, tx, farBack); err != nil {
					return err
				}
			}
			lows, highs, _ := columns(gaps)
			_, err := tx.Exec(ctx, insertCursor, name, position, lows, highs)
			return err
		})
	})
}

// latest is the latest place drawn, and the gaps among the places before it, as
// far back as is told.
func latest(ctx context.Context, tx querier, back int64) (gaps []hole, place int64, err error) {
	rows, err := tx.Query(ctx, newestGaps, back)
	if err != nil {
		return nil, 0, err
	}
	gaps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (h hole, err error) {
		return h, row.Scan(&h.low, &h.high)
	})
	if err != nil {
		return nil, 0, err
	}
	end := len(gaps) - 1 // that one is empty
	return gaps[:end], gaps[end].high, nil
}

// Resign is carrierfsm.Outbox's.
func (s *Store) Resign(ctx context.Context, l carrierfsm.Lease) error {
	const sql = `UPDATE carrierfsm_cursors SET owner = '', until = now() WHERE name = $1::text AND fence = $2::bigint`
	return named(patiently(ctx, func(ctx context.Context) error {
		_, err := s.pool.Exec(ctx, sql, l.Name, l.Fence)
		return err
	}))
}

// mostHoles is how many holes a cursor may have before it stands still until
// some of them are given up. Only purging thousands of young entries while a
// transaction stays open gets there.
const mostHoles = 10_000

// readPending is one statement, so that the entries, the holes and what is
// known of open transactions are of one snapshot.
const readPending = `WITH cursor AS MATERIALIZED (
	SELECT * FROM carrierfsm_cursors WHERE name = $1::text AND fence = $2::bigint
), found AS (
	SELECT ahead.* FROM cursor c, LATERAL (
		SELECT ` + entryColumns + ` FROM carrierfsm_history h
		WHERE h.position > c.position AND cardinality(c.lows) <= $4::integer ORDER BY h.position LIMIT $3::bigint) ahead
	UNION ALL
	SELECT late.* FROM cursor c, unnest(c.lows, c.highs) AS hole (low, high), LATERAL (
		SELECT ` + entryColumns + ` FROM carrierfsm_history h
		WHERE h.position BETWEEN hole.low AND hole.high ORDER BY h.position LIMIT $3::bigint) late
), batch AS (
	SELECT found.*, row_number() OVER (ORDER BY position) AS n FROM found ORDER BY position LIMIT $3::bigint
)
SELECT c.position, c.settled, c.candidate, c.bound,
	CASE WHEN coalesce(b.n, 1) = 1 THEN c.lows END, CASE WHEN coalesce(b.n, 1) = 1 THEN c.highs END, CASE WHEN coalesce(b.n, 1) = 1 THEN c.bounds END,
	pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
	b.position, b.id, b.step, b.from_, b.event, b.to_, b.at, b.detail,
	p.step, p.upto, p.attempts, p.why, p.since, p.next, p.version
FROM cursor c LEFT JOIN batch b ON true LEFT JOIN carrierfsm_parked p ON p.handler = $1::text AND p.id = b.id
ORDER BY b.position`

// Pending is carrierfsm.Outbox's. It returns ErrLeaseLost once another leader
// has come.
func (s *Store) Pending(ctx context.Context, l carrierfsm.Lease, limit int) (b carrierfsm.Batch, err error) {
	limit = max(limit, 0)
	r := pendingReader{handler: l.Name}
	rows, err := read(ctx, s.pool, r.scan, readPending, l.Name, l.Fence, int64(limit), int32(mostHoles))
	if err != nil {
		return b, err
	}
	if len(rows) == 0 {
		return b, carrierfsm.ErrLeaseLost
	}
	return r.batch(rows, limit), nil
}

// moveCursor reads the latest place before it has a transaction id, so that
// whoever drew one up to there has a lower id. MATERIALIZED: what it has read
// stays as it is when it has to wait for the cursor.
const moveCursor = `WITH place AS MATERIALIZED (` + lastPlace + `)
	UPDATE carrierfsm_cursors SET position = $3::bigint, settled = $4::bigint,
	candidate = CASE $6::bigint WHEN 0 THEN place.last ELSE $5::bigint END,
	bound = CASE $6::bigint WHEN 0 THEN pg_current_xact_id()::text::bigint ELSE $6::bigint END, lows = $7::bigint[], highs = $8::bigint[],
	bounds = array_replace($9::bigint[], 0, pg_current_xact_id()::text::bigint)
	FROM place WHERE name = $1::text AND fence = $2::bigint`

// keepCursor locks the cursor, so that no other leader comes meanwhile.
const keepCursor = `UPDATE carrierfsm_cursors SET fence = fence WHERE name = $1::text AND fence = $2::bigint`

// Advance is carrierfsm.Outbox's.
func (s *Store) Advance(ctx context.Context, l carrierfsm.Lease, b carrierfsm.Batch, n int, rows []carrierfsm.Parked) error {
	sql, args := keepCursor, []any{l.Name, l.Fence}
	if n > 0 {
		m, ours := b.Mark.(mark)
		if !ours || n > len(b.Entries) {
			return errors.New("carrierfsm/postgres: the batch is none of this store's")
		}
		m = m.behind(b.Entries, n)
		lows, highs, bounds := columns(m.holes)
		sql, args = moveCursor, append(args, m.position, m.settled, m.candidate, m.bound, lows, highs, bounds)
	}
	move := func(ctx context.Context, db execer) error {
		tag, err := db.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() == 0 {
			return carrierfsm.ErrLeaseLost
		}
		return named(err)
	}
	if len(rows) == 0 {
		return patiently(ctx, func(ctx context.Context) error { return move(ctx, s.pool) })
	}
	return s.parkAfter(ctx, rows, move)
}

// Cursors is carrierfsm.Outbox's.
func (s *Store) Cursors(ctx context.Context) ([]carrierfsm.Cursor, error) {
	const sql = `SELECT c.name, CASE WHEN led THEN c.owner ELSE '' END, CASE WHEN led THEN c.until END, (
			SELECT at FROM (
				(SELECT h.position, h.at FROM carrierfsm_history h WHERE h.position > c.position ORDER BY h.position LIMIT 1)
				UNION ALL
				SELECT late.* FROM unnest(c.lows, c.highs) AS hole (low, high), LATERAL (
					SELECT h.position, h.at FROM carrierfsm_history h WHERE h.position BETWEEN hole.low AND hole.high ORDER BY h.position LIMIT 1) late
			) AS first ORDER BY position LIMIT 1),
			(SELECT count(*) FROM carrierfsm_parked p WHERE p.handler = c.name)
		FROM carrierfsm_cursors c, LATERAL (SELECT c.owner <> '' AND c.until > now() AS led) AS lease ORDER BY c.name`
	return read(ctx, s.pool, func(row pgx.CollectableRow) (c carrierfsm.Cursor, err error) {
		var until, behind *time.Time
		err = row.Scan(&c.Name, &c.Owner, &until, &behind, &c.Parked)
		c.Until, c.Behind = orZero(until), orZero(behind)
		return c, err
	}, sql)
}
