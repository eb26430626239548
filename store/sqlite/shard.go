package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/carrierfsm/carrierfsm"
)

const epochStored = `SELECT 1 FROM carrierfsm_shard WHERE epoch = ?`

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

// BindShard makes each later write and Load require an epoch: see sharded.Member. Each
// transaction that writes has the lock of the file when it checks it.
func (s *Store) BindShard(epoch int64) { s.epoch = epoch }

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
