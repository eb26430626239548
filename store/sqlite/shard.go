package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/slots"
)

const epochStored = `SELECT 1 FROM carrierfsm_shard WHERE epoch = ?`

const fileDrains = `SELECT 1 FROM carrierfsm_shard WHERE slots LIKE '` + slots.Drained + `%'`

// createDrained and commitDrained find a row if the file takes no new submissions, and the
// write is refused for no other reason but a key or a spend.
const createDrained = fileDrains + ` AND NOT EXISTS (SELECT 1 FROM carrierfsm_verifications WHERE id = ?)`

const commitDrained = fileDrains + ` AND EXISTS (` + versionStored + ` AND NOT in_flight)`

// Shard returns which shard this file is: see sharded.Member.
func (s *Store) Shard(ctx context.Context) (name string, epoch int64, slots string, err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return "", 0, "", err
	}
	defer done(&err)
	err = s.readDB.QueryRowContext(ctx, `SELECT name, epoch, slots FROM carrierfsm_shard`).Scan(&name, &epoch, &slots)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return name, epoch, slots, wrap(err)
}

// SetShard says which shard this file is: see sharded.Member.
func (s *Store) SetShard(ctx context.Context, name string, epoch int64, slots string) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.inAnyEpoch(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var stored int64
		err := tx.QueryRowContext(ctx, `SELECT coalesce(max(epoch), 0) FROM carrierfsm_shard`).Scan(&stored)
		if err == nil && stored != epoch-1 {
			err = carrierfsm.ErrConflict
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO carrierfsm_shard (one, epoch, name, slots) VALUES (1, ?, ?, ?)
				ON CONFLICT (one) DO UPDATE SET epoch = excluded.epoch, name = excluded.name, slots = excluded.slots`, epoch, name, slots)
		}
		return err
	})
}

// DrainShard has this file take no new submissions, or take them again: see sharded.Member.
func (s *Store) DrainShard(ctx context.Context, epoch int64, drain bool) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	return s.inAnyEpoch(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var stored string
		err := tx.QueryRowContext(ctx, `SELECT slots FROM carrierfsm_shard WHERE epoch = ?`, epoch).Scan(&stored)
		if errors.Is(err, sql.ErrNoRows) {
			return carrierfsm.ErrConflict
		}
		if err != nil {
			return err
		}
		after, ok := slots.Drain(stored, drain)
		if !ok {
			return carrierfsm.ErrConflict
		}
		_, err = tx.ExecContext(ctx, `UPDATE carrierfsm_shard SET slots = ?`, after)
		return err
	})
}

// BindShard makes each later write and Load require an epoch: see sharded.Member. Each
// transaction that writes has the lock of the file when it checks it.
func (s *Store) BindShard(epoch int64) { s.epoch = epoch }

// mayBegin returns carrierfsm.ErrMoved for an item that would put a record in flight while
// the file takes no new submissions. It asks only for items that have InFlight.
func (s *Store) mayBegin(x checker, it *item) error {
	if s.epoch == 0 || !it.Record.InFlight {
		return nil
	}
	which, args := stmtCommitDrained, []driver.Value{it.Record.ID, it.Record.Version - 1, previous(&it.Record)}
	if it.create {
		which, args = stmtCreateDrained, args[:1]
	}
	drained, err := x.exists(which, args...)
	if err == nil && drained {
		err = carrierfsm.ErrMoved
	}
	return err
}

// checker is the part of execer that checkEpoch needs.
type checker interface {
	exists(which statement, args ...driver.Value) (bool, error)
}

// checkEpoch returns carrierfsm.ErrMoved if the store is bound to another epoch than the
// file has.
func (s *Store) checkEpoch(x checker) error {
	if s.epoch == 0 {
		return nil
	}
	stored, err := x.exists(stmtEpochStored, s.epoch)
	if err == nil && !stored {
		err = carrierfsm.ErrMoved
	}
	return err
}

// plainEpoch is a checker for statements that are not prepared.
type plainEpoch struct {
	ctx context.Context //nolint:containedctx // of the transaction
	tx  *sql.Tx
}

func (p plainEpoch) exists(which statement, args ...driver.Value) (found bool, err error) {
	err = p.tx.QueryRowContext(p.ctx, `SELECT EXISTS (`+statementTexts[which]+`)`, anyOf(args)...).Scan(&found)
	return found, err
}
