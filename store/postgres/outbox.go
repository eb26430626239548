package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

// acquireLease returns the new fence, or 0 if another owner holds the lease, and
// whether the cursor exists. It locks and writes nothing if it does not acquire the
// lease.
const acquireLease = `WITH acquired AS (
	UPDATE carrierfsm_cursors SET owner = $2::text, until = now() + $3::bigint * interval '1 microsecond',
		fence = fence + CASE WHEN owner = $2::text THEN 0 ELSE 1 END
	WHERE name = $1::text AND ` + leaseFree + `
	RETURNING fence)
SELECT coalesce((SELECT fence FROM acquired), 0), EXISTS (SELECT FROM carrierfsm_cursors WHERE name = $1::text)`

const leaseFree = `(owner IN ($2::text, '') OR until <= now())`

// Acquire implements outbox.Outbox. While another owner holds the lease, it only
// reads.
func (s *Store) Acquire(ctx context.Context, name, owner string, lasts time.Duration, start outbox.Start) (outbox.Lease, error) {
	if err := s.usable(ctx); err != nil {
		return outbox.Lease{}, err
	}
	if err := legal.Lease(name, owner); err != nil {
		return outbox.Lease{}, err
	}
	type outcome struct {
		fence  int64
		exists bool
	}
	for {
		o, err := written(ctx, s, func(ctx context.Context, c *pgx.Conn) (o outcome, err error) {
			return o, c.QueryRow(ctx, s.guarded(acquireLease, leaseFree), name, owner, lasts.Microseconds()).Scan(&o.fence, &o.exists)
		})
		switch {
		case err != nil:
			return outbox.Lease{}, s.outboxWrote(err)
		case o.fence > 0:
			return outbox.Lease{Name: name, Owner: owner, Fence: o.fence}, nil
		case o.exists:
			return outbox.Lease{}, outbox.ErrLeaseHeld
		}
		if err := s.createCursor(ctx, name, start); errors.Is(err, outbox.ErrNoStart) {
			return outbox.Lease{}, outbox.ErrNoStart
		} else if err != nil {
			return outbox.Lease{}, s.outboxWrote(err)
		}
	}
}

// lastPosition returns the latest position drawn, or 0 before the first.
const lastPosition = `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM carrierfsm_position`

// newestGaps returns the ranges of positions that have no entry, up to the latest
// position drawn. One more row, an empty range, has that position as its high. It
// leaves out positions that another cursor knows to be settled, positions lower
// than the latest one minus $1, and gaps below the thousand highest ones.
const newestGaps = `WITH drawn AS (` + lastPosition + `),
	settled AS (SELECT greatest(coalesce(max(settled), 0), (SELECT last FROM drawn) - $1::bigint) AS upto FROM carrierfsm_cursors),
	positions AS (
		SELECT h.position FROM settled, carrierfsm_history h WHERE h.position > settled.upto
		UNION ALL SELECT last + 1 FROM drawn),
	gaps AS (SELECT lag(position, 1, (SELECT upto FROM settled)) OVER (ORDER BY position) + 1 AS low, position - 1 AS high FROM positions)
SELECT low, high FROM ((SELECT low, high FROM gaps WHERE low <= high ORDER BY low DESC LIMIT 1000)
	UNION ALL SELECT last + 1, last FROM drawn) AS all_gaps ORDER BY low`

// gapLookback is how many positions before the latest one newestGaps looks at. To
// look at the whole history would take longer than a statement may. A transaction
// ends some seconds after it has drawn a position; at ten thousand positions a
// second this number is drawn in a hundred seconds.
const gapLookback = 1_000_000

// insertCursor inserts a cursor without a lease. The id of its transaction is higher
// than that of every transaction that has drawn a position, so it is the bound of
// the gaps.
const insertCursor = `INSERT INTO carrierfsm_cursors (name, owner, until, fence, position, settled, candidate, bound, lows, highs, bounds)
	SELECT $1::text, '', now(), 0, $2::bigint, (SELECT coalesce(max(settled), 0) FROM carrierfsm_cursors), 0, 0,
		$3::bigint[], $4::bigint[], array_fill(pg_current_xact_id()::text::bigint, ARRAY[cardinality($3::bigint[])])
	ON CONFLICT DO NOTHING`

// createCursor creates a cursor if it does not exist. It reads positions and gaps in
// the transaction that writes them; gaps.go says why.
func (s *Store) createCursor(ctx context.Context, name string, start outbox.Start) error {
	_, err := transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (_ struct{}, err error) {
		var position int64
		var gaps []gap
		switch start {
		case outbox.FromBeginning:
		case outbox.FromNow:
			gaps, position, err = readNewestGaps(ctx, tx, gapLookback)
		default:
			err = refuseHistory(ctx, tx)
		}
		if err != nil {
			return struct{}{}, err
		}
		lows, highs, _ := gapColumns(gaps)
		tag, err := tx.Exec(ctx, insertCursor, name, position, lows, highs)
		if err == nil && tag.RowsAffected() > 0 {
			_, err = tx.Exec(ctx, forgetAllCounts, name) // of one that an older build retired
		}
		return struct{}{}, err
	})
	return err
}

// refuseHistory returns outbox.ErrNoStart if there are entries.
func refuseHistory(ctx context.Context, tx querier) error {
	var history bool
	rows, err := tx.Query(ctx, `SELECT EXISTS (SELECT FROM carrierfsm_history)`)
	if err == nil {
		history, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
	}
	if err == nil && history {
		err = outbox.ErrNoStart
	}
	return err
}

// readNewestGaps returns the gaps that are at most lookback positions before the
// latest position drawn, and that position.
func readNewestGaps(ctx context.Context, tx querier, lookback int64) (gaps []gap, position int64, err error) {
	rows, err := tx.Query(ctx, newestGaps, lookback)
	if err != nil {
		return nil, 0, err
	}
	gaps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (g gap, err error) {
		return g, row.Scan(&g.low, &g.high)
	})
	if err != nil {
		return nil, 0, err
	}
	last := len(gaps) - 1 // the empty range
	return gaps[:last], gaps[last].high, nil
}

// whereLease is the condition that the cursor is there and the lease is held. A
// failover to an asynchronous standby may have given the fence to another owner.
const whereLease = `name = $1::text AND fence = $2::bigint AND owner = $3::text`

// Release implements outbox.Outbox.
func (s *Store) Release(ctx context.Context, l outbox.Lease) error {
	const sql = `UPDATE carrierfsm_cursors SET owner = '', until = now() WHERE ` + whereLease
	_, err := s.exec(ctx, s.guarded(sql, whereLease), l.Name, l.Fence, l.Owner)
	return s.outboxWrote(err)
}

// maxGaps is the number of gaps after which a cursor does not advance until some
// are closed. A cursor gets so many only if thousands of writes are rolled back, or
// thousands of recent entries are purged, while a transaction stays open.
const maxGaps = 10_000

// byIndex makes the statements of the same transaction use indexes. The server keeps a
// plan that it made while few verifications were parked, and which reads all of them for
// each entry, for as long as it takes no new statistics. A table that has no index for a statement costs
// so much then that the server would compile the statement.
const byIndex = `SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)`

// readPending is one statement, so that the entries, the gaps and the running
// transactions are from one snapshot. It returns no row if the lease is lost, and
// one row without an entry if nothing is pending.
const readPending = `WITH cursor AS MATERIALIZED (
	SELECT * FROM carrierfsm_cursors WHERE ` + whereLease + `
), found AS (
	SELECT ahead.* FROM cursor c, LATERAL (
		SELECT ` + entryColumns + ` FROM carrierfsm_history h
		WHERE h.position > c.position AND cardinality(c.lows) <= $5::integer ORDER BY h.position LIMIT $4::bigint) ahead
	UNION ALL
	SELECT late.* FROM cursor c, unnest(c.lows, c.highs) AS gap (low, high), LATERAL (
		SELECT ` + entryColumns + ` FROM carrierfsm_history h
		WHERE h.position BETWEEN gap.low AND gap.high ORDER BY h.position LIMIT $4::bigint) late
), batch AS (
	SELECT found.*, row_number() OVER (ORDER BY position) AS n FROM found ORDER BY position LIMIT $4::bigint
)
SELECT c.position, c.settled, c.candidate, c.bound,
	CASE WHEN coalesce(b.n, 1) = 1 THEN c.lows END, CASE WHEN coalesce(b.n, 1) = 1 THEN c.highs END, CASE WHEN coalesce(b.n, 1) = 1 THEN c.bounds END,
	pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
	b.position, b.id, b.step, b.from_, b.event, b.to_, b.at, b.source, b.dwell, b.detail,
	p.step, p.upto, p.attempts, p.why, p.since, p.next, p.version, p.error
FROM cursor c LEFT JOIN batch b ON true
	LEFT JOIN LATERAL (SELECT * FROM carrierfsm_parked WHERE handler = $1::text AND id = b.id LIMIT 1) p ON true
ORDER BY b.position`

// Pending implements outbox.Outbox. It returns ErrLeaseLost once another owner
// has acquired the lease. If the cursor has too many gaps and nothing is pending, it
// removes those that are closed.
func (s *Store) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	for {
		b, c, err := s.pending(ctx, l, max(limit, 0))
		if err != nil || len(b.Entries) > 0 || !c.stuck() {
			return b, err
		}
		if err := s.move(ctx, l, c, c.advanced(nil, 0), nil, nil); err != nil {
			return outbox.Batch{}, err
		}
	}
}

func (s *Store) pending(ctx context.Context, l outbox.Lease, limit int) (b outbox.Batch, c cursor, err error) {
	if err := s.pass(ctx, &s.outboxWrites); err != nil {
		return b, c, err
	}
	r := pendingReader{handler: l.Name}
	rows, err := onConn(ctx, s, func(ctx context.Context, c *pgx.Conn) ([]pendingRow, error) {
		var queries pgx.Batch // a second connection needs another one
		queries.Queue(byIndex)
		queries.Queue(s.guarded(readPending, whereLease), l.Name, l.Fence, l.Owner, int64(limit), int32(maxGaps))
		return r.read(c.SendBatch(ctx, &queries))
	})
	if err != nil {
		return b, c, err
	}
	if len(rows) == 0 {
		return b, c, outbox.ErrLeaseLost
	}
	b, c = r.batch(rows, limit)
	return b, c, nil
}

// advanceCursor reads the latest position drawn before its own transaction gets an
// id, so that every transaction that has drawn a position up to there has a lower
// id. MATERIALIZED: the position is not read again after a wait for the cursor's
// lock. It writes nothing unless the cursor is as it was read and the latest entry
// that it passes is there: after a failover to an asynchronous standby, others may
// have that entry's position and those before it that the cursor has seen.
const advanceCursor = `WITH drawn AS MATERIALIZED (` + lastPosition + `)
	UPDATE carrierfsm_cursors SET position = $4::bigint, settled = $5::bigint,
	candidate = CASE $7::bigint WHEN 0 THEN drawn.last ELSE $6::bigint END,
	bound = CASE $7::bigint WHEN 0 THEN pg_current_xact_id()::text::bigint ELSE $7::bigint END, lows = $8::bigint[], highs = $9::bigint[],
	bounds = array_replace($10::bigint[], 0, pg_current_xact_id()::text::bigint)
	FROM drawn WHERE ` + whereLease + `
	AND (position, settled, candidate, bound, cardinality(lows)) = ($11::bigint, $12::bigint, $13::bigint, $14::bigint, $15::integer)
	AND ($16::bigint = 0 OR EXISTS (SELECT FROM carrierfsm_history h WHERE h.position = $16::bigint AND h.id = $17::text AND h.step = $18::integer))`

// lockCursor locks the cursor, so that no other owner acquires its lease until the
// transaction ends.
const lockCursor = `UPDATE carrierfsm_cursors SET fence = fence WHERE ` + whereLease

// Advance implements outbox.Outbox. It also returns ErrLeaseLost if a failover to an
// asynchronous standby has lost what the batch was read from.
func (s *Store) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) error {
	if n <= 0 {
		return s.moved(ctx, rows, s.guarded(lockCursor, whereLease), l.Name, l.Fence, l.Owner)
	}
	c, ok := b.State.(cursor)
	if !ok || n > len(b.Entries) {
		return errors.New("carrierfsm/postgres: the batch was not returned by Pending of this store")
	}
	return s.move(ctx, l, c, c.advanced(b.Entries, n), &b.Entries[n-1], rows)
}

// move moves a cursor behind the entry last, if any.
func (s *Store) move(ctx context.Context, l outbox.Lease, from, to cursor, last *carrierfsm.Entry, rows []outbox.Parked) error {
	return s.moved(ctx, rows, s.guarded(advanceCursor, whereLease), moveArgs(l, from, to, last)...)
}

// moveArgs returns the arguments of advanceCursor.
func moveArgs(l outbox.Lease, from, to cursor, last *carrierfsm.Entry) []any {
	if last == nil {
		last = new(carrierfsm.Entry)
	}
	was := from.stored
	lows, highs, bounds := gapColumns(to.gaps)
	return []any{
		l.Name, l.Fence, l.Owner,
		to.position, to.settled, to.candidate, to.bound, lows, highs, bounds,
		was.position, was.settled, was.candidate, was.bound, int32(was.gaps),
		last.Position, last.ID, int32(last.Step),
	}
}

// moved runs a statement that writes a cursor, and writes the rows. It returns
// ErrLeaseLost if there was no cursor to write.
func (s *Store) moved(ctx context.Context, rows []outbox.Parked, sql string, args ...any) error {
	if len(rows) == 0 {
		n, err := s.exec(ctx, sql, args...)
		if err == nil && n == 0 {
			return outbox.ErrLeaseLost
		}
		return s.outboxWrote(err)
	}
	return s.parkAfter(ctx, rows, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() == 0 {
			err = outbox.ErrLeaseLost
		}
		return err
	})
}

// Cursors implements outbox.Outbox.
func (s *Store) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	const sql = `SELECT c.name, CASE WHEN held THEN c.owner ELSE '' END, CASE WHEN held THEN c.until END, (
			SELECT at FROM (
				(SELECT h.position, h.at FROM carrierfsm_history h WHERE h.position > c.position ORDER BY h.position LIMIT 1)
				UNION ALL
				SELECT late.* FROM unnest(c.lows, c.highs) AS gap (low, high), LATERAL (
					SELECT h.position, h.at FROM carrierfsm_history h WHERE h.position BETWEEN gap.low AND gap.high ORDER BY h.position LIMIT 1) late
			) AS first ORDER BY position LIMIT 1),
			(SELECT count(*) FROM carrierfsm_parked p WHERE p.handler = c.name)
		FROM carrierfsm_cursors c, LATERAL (SELECT c.owner <> '' AND c.until > now() AS held) AS lease ORDER BY c.name`
	if err := s.pass(ctx, &s.outboxWrites); err != nil {
		return nil, err
	}
	return read(ctx, s, func(row pgx.CollectableRow) (c outbox.Cursor, err error) {
		var until, behind *time.Time
		err = row.Scan(&c.Name, &c.Owner, &until, &behind, &c.Parked)
		c.Until, c.Behind = orZero(until), orZero(behind)
		return c, err
	}, sql)
}
