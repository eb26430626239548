package memory

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/internal/slots"
)

// shardRow says which shard of a sharded store this store is: see sharded.Member.
type shardRow struct {
	name, slots string
	epoch       int64
}

// Shard returns which shard this store is: see sharded.Member.
func (s *Store) Shard(ctx context.Context) (name string, epoch int64, slots string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return "", 0, "", err
	}
	return s.shard.name, s.shard.epoch, s.shard.slots, nil
}

// SetShard says which shard this store is: see sharded.Member.
func (s *Store) SetShard(ctx context.Context, name string, epoch int64, slots string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if s.shard.epoch != epoch-1 {
		return carrierfsm.ErrConflict
	}
	s.shard = shardRow{name: name, epoch: epoch, slots: slots}
	return nil
}

// DrainShard has this store take no new submissions, or take them again: see sharded.Member.
func (s *Store) DrainShard(ctx context.Context, epoch int64, drain bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	after, ok := slots.Drain(s.shard.slots, drain)
	if !ok || epoch == 0 || s.shard.epoch != epoch {
		return carrierfsm.ErrConflict
	}
	s.shard.slots = after
	return nil
}

// mayBegin returns carrierfsm.ErrMoved if r would begin a call while this store drains. row is
// the stored row, or nil for a creation.
func (s *Store) mayBegin(r *carrierfsm.Record, row *row) error {
	if !r.InFlight || row != nil && row.columns.inFlight || s.bound == 0 || !slots.Drains(s.shard.slots) {
		return nil
	}
	return carrierfsm.ErrMoved
}

// BindShard makes each later write and Load of this Store require an epoch: see sharded.Member.
func (s *Store) BindShard(epoch int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = epoch
}

// current returns why a call can't be made: as usable, or the shard has another epoch
// than this store is bound to.
func (s *Store) current(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	if s.bound != 0 && s.bound != s.shard.epoch {
		return carrierfsm.ErrMoved
	}
	return nil
}
