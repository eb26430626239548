package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/slots"
)

// A store that is bound to an epoch has one more condition in each statement that
// writes: that the database has this epoch, and does not drain if the statement puts a
// record in flight. A statement reads it in the snapshot that it takes after it has locked
// the tables that it writes, and SetShard and DrainShard lock these against writers. So
// they wait for the writes that run, and those that come later read what they have written.
// A transaction of several statements locks the table of the shard first, in a mode that
// other transactions may hold too, but not SetShard and DrainShard. It must not lock the row:
// that would give the transaction an id, which a cursor then takes as a bound (gaps.go),
// although transactions with higher ids may still draw positions.
// A snapshot must be of one statement: the isolation level has to be read committed.

const selectShard = `SELECT name, epoch, slots, current_setting('default_transaction_isolation')
	FROM (SELECT 1) AS always LEFT JOIN carrierfsm_shard ON true`

// Shard returns which shard this database is: see sharded.Member.
func (s *Store) Shard(ctx context.Context) (name string, epoch int64, slots string, err error) {
	type row struct {
		name, slots *string
		epoch       *int64
		isolation   string
	}
	list, err := read(ctx, s, func(rows pgx.CollectableRow) (r row, err error) {
		return r, rows.Scan(&r.name, &r.epoch, &r.slots, &r.isolation)
	}, selectShard)
	switch {
	case err != nil:
		return "", 0, "", advised(err, "a shard needs GRANT SELECT, INSERT, UPDATE ON TABLE carrierfsm_shard")
	case len(list) != 1:
		return "", 0, "", errRow
	case list[0].isolation != "read committed":
		return "", 0, "", fmt.Errorf("%w: default_transaction_isolation is %s; a shard needs read committed", ErrUnusable, list[0].isolation)
	case list[0].epoch == nil:
		return "", 0, "", nil
	}
	return *list[0].name, *list[0].epoch, *list[0].slots, nil
}

const lockShard = `LOCK TABLE carrierfsm_shard IN EXCLUSIVE MODE`

const lockShardShared = `LOCK TABLE carrierfsm_shard IN ROW SHARE MODE`

const lockWriters = `LOCK TABLE carrierfsm_verifications, carrierfsm_history, carrierfsm_cursors, carrierfsm_parked, carrierfsm_ledgers
	IN SHARE ROW EXCLUSIVE MODE`

// The epoch of a database without a row is 0.
const updateShard = `UPDATE carrierfsm_shard SET epoch = $1::bigint, name = $2::text, slots = $3::text WHERE epoch = $1::bigint - 1`

const insertShard = `INSERT INTO carrierfsm_shard (one, epoch, name, slots) SELECT 1, $1::bigint, $2::text, $3::text
	WHERE $1::bigint = 1 ON CONFLICT DO NOTHING`

// SetShard says which shard this database is: see sharded.Member.
func (s *Store) SetShard(ctx context.Context, name string, epoch int64, slots string) error {
	return s.switchShard(ctx, func(ctx context.Context, tx pgx.Tx) (pgconn.CommandTag, error) {
		tag, err := tx.Exec(ctx, updateShard, epoch, name, slots)
		if err == nil && tag.RowsAffected() == 0 {
			tag, err = tx.Exec(ctx, insertShard, epoch, name, slots)
		}
		return tag, err
	})
}

const selectSlots = `SELECT slots FROM carrierfsm_shard WHERE epoch = $1::bigint`

const updateSlots = `UPDATE carrierfsm_shard SET slots = $1::text`

// DrainShard has this database take no new submissions, or take them again: see
// sharded.Member.
func (s *Store) DrainShard(ctx context.Context, epoch int64, drain bool) error {
	return s.switchShard(ctx, func(ctx context.Context, tx pgx.Tx) (tag pgconn.CommandTag, err error) {
		list, err := collect(ctx, tx, pgx.RowTo[string], selectSlots, epoch)
		if err != nil || len(list) == 0 {
			return tag, err
		}
		after, ok := slots.Drain(list[0], drain)
		if !ok {
			return tag, nil
		}
		return tx.Exec(ctx, updateSlots, after)
	})
}

// switchShard changes the row of the shard when the writes that run have ended, and before
// others begin. It returns carrierfsm.ErrConflict if change changes no row.
func (s *Store) switchShard(ctx context.Context, change func(context.Context, pgx.Tx) (pgconn.CommandTag, error)) error {
	_, err := inTransaction(ctx, s, func(ctx context.Context, tx pgx.Tx) (_ struct{}, err error) {
		for _, lock := range []string{lockShard, lockWriters} { // in the order of lockEpoch
			if _, err = tx.Exec(ctx, lock); err != nil {
				return struct{}{}, err
			}
		}
		tag, err := change(ctx, tx)
		if err == nil && tag.RowsAffected() == 0 {
			err = carrierfsm.ErrConflict
		}
		return struct{}{}, err
	})
	if errors.Is(err, carrierfsm.ErrConflict) {
		return carrierfsm.ErrConflict
	}
	return advised(wrap(err), "a shard needs GRANT SELECT, INSERT, UPDATE ON TABLE carrierfsm_shard")
}

// orMoved returns carrierfsm.ErrMoved instead of ErrNotFound from a database that has
// another epoch: what it has may be old.
func (s *Store) orMoved(ctx context.Context, err error) error {
	if s.guard == "" || !errors.Is(err, carrierfsm.ErrNotFound) {
		return err
	}
	_, epoch, _, other := s.Shard(ctx)
	if other == nil && epoch != s.epoch {
		other = carrierfsm.ErrMoved
	}
	return cmp.Or(other, err)
}

// BindShard makes each later write, and each Load, require an epoch: see sharded.Member.
func (s *Store) BindShard(epoch int64) {
	s.epoch = epoch
	s.guard = fmt.Sprintf(` AND EXISTS (SELECT FROM carrierfsm_shard WHERE one = 1 AND epoch = %d)`, epoch)
	s.loadSQL = [2]string{loadRecord + s.guard, loadBatch + s.guard}
	for _, w := range []*writer{s.creates, s.commits} {
		for _, sql := range []*writeSQL{&w.withKey, &w.withoutKey, &w.spending.exists, &w.spending.missing} {
			*sql = sql.guarded(epoch)
		}
	}
}

// guarded returns the statements with one more condition: it is true if the shard has the
// epoch, and does not drain or the write puts no record in flight.
//
// The subquery does not depend on the record, so that a batch runs it once. It has no row
// in another epoch, and is NULL then, as the whole comparison is. Otherwise x >= drains is
// false only if x is false and drains is true.
func (s writeSQL) guarded(epoch int64) writeSQL {
	drains := fmt.Sprintf(`(SELECT slots LIKE '%s%%' FROM carrierfsm_shard WHERE epoch = %d)`, slots.Drained, epoch)
	if s.creates {
		guard := ` AND (NOT $5::boolean) >= ` + drains
		for _, one := range []*string{&s.noEntry, &s.oneEntry, &s.severalEntries} {
			*one = strings.Replace(*one, createOne, createOneIf+guard+"\n\tON CONFLICT DO NOTHING", 1)
			*one = strings.Replace(*one, oneIsFree, oneIsFree+guard, 1)
		}
		s.batch = strings.Replace(s.batch, fewRows, fewRows+` AND (NOT i.in_flight) >= `+drains, 1)
	} else {
		for _, one := range []*string{&s.noEntry, &s.oneEntry, &s.severalEntries} {
			*one = strings.Replace(*one, oneFits, oneFits+` AND (v.in_flight OR NOT $5::boolean) >= `+drains, 1)
		}
		s.batch = strings.Replace(s.batch, batchFits, batchFits+` AND (v.in_flight OR NOT i.in_flight) >= `+drains, 1)
	}
	// What refuses the record as such comes first. A key or a spend comes later: another
	// verification may be ended to make room for a key.
	s.why = strings.Replace(s.why, whySelect, whySelect+`WHEN `+drains+` IS NULL THEN 5 `, 1)
	s.why = strings.Replace(s.why, whyKey, ` WHEN i.in_flight AND v.in_flight IS NOT TRUE AND `+drains+` THEN 5`+whyKey, 1)
	return s
}

// createOneIf is createOne with conditions behind it.
const createOneIf = `INSERT INTO carrierfsm_verifications
		(id, version, step, tables, in_flight, due, created, updated, commit_id, state, source, reason, key, body)
	SELECT $1::text, $2::bigint, $3::integer, $4::integer, $5::boolean, $6::timestamptz, $7::timestamptz, $8::timestamptz,
		$9::bytea, $10::text, $11::text, $12::text, $13::text, $14::bytea
	WHERE true`

// guarded returns a statement of the outbox with the condition behind one of its own.
func (s *Store) guarded(sql, condition string) string {
	if s.guard == "" {
		return sql
	}
	return strings.Replace(sql, condition, condition+s.guard, 1)
}

// lockEpoch returns carrierfsm.ErrMoved in a transaction of a store that is bound to
// another epoch. It holds back SetShard until the transaction ends.
func (s *Store) lockEpoch(ctx context.Context, tx pgx.Tx) error {
	if s.guard == "" {
		return nil
	}
	var b pgx.Batch
	b.Queue(lockShardShared)
	current := false
	b.Queue(`SELECT true` + strings.Replace(s.guard, ` AND `, ` WHERE `, 1)).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&current)
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return err
	})
	err := tx.SendBatch(ctx, &b).Close()
	if err == nil && !current {
		err = carrierfsm.ErrMoved
	}
	return err
}

// execInEpoch is exec for a statement that has no condition on the epoch.
func (s *Store) execInEpoch(ctx context.Context, sql string, args ...any) (rows int64, err error) {
	if s.guard == "" {
		return s.exec(ctx, sql, args...)
	}
	return transact(ctx, s, func(ctx context.Context, tx pgx.Tx) (int64, error) {
		tag, err := tx.Exec(ctx, sql, args...)
		return tag.RowsAffected(), err
	})
}
