package sharded

import (
	"context"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// These methods go to one shard.

// fits returns carrierfsm.ErrOtherShard for a record whose key, or whose number's
// budgets, are not on the shard of its id.
func (s *Store) fits(r *carrierfsm.Record) error {
	slot := s.slotOf(r.ID)
	if r.Key != "" && slotOf(r.Key, s.slots) != slot {
		return carrierfsm.ErrOtherShard
	}
	if len(r.Spends) > 0 && r.Spends[0].Key != "" && slotOf(r.Spends[0].Key, s.slots) != slot {
		return carrierfsm.ErrOtherShard
	}
	return nil
}

// Create implements carrierfsm.Store.
func (s *Store) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.fits(&r); err != nil {
		return err
	}
	return s.member(r.ID).Create(ctx, r, entries...)
}

// Load implements carrierfsm.Store.
func (s *Store) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	return s.member(id).Load(ctx, id)
}

// Commit implements carrierfsm.Store.
func (s *Store) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.fits(&r); err != nil {
		return err
	}
	return s.member(r.ID).Commit(ctx, r, entries...)
}

// Erase implements carrierfsm.Store.
func (s *Store) Erase(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := s.fits(&r); err != nil {
		return err
	}
	return s.member(r.ID).Erase(ctx, r, entries...)
}

// Reseal is a power of a carrierfsm.Store: see carrierfsm.Machine.Reseal.
func (s *Store) Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error {
	if err := s.fits(&r); err != nil {
		return err
	}
	return s.member(r.ID).Reseal(ctx, r, details...)
}

// History implements carrierfsm.Store.
func (s *Store) History(ctx context.Context, id string, afterStep, limit int) ([]carrierfsm.Entry, error) {
	return s.member(id).History(ctx, id, afterStep, limit)
}

// Ledger implements carrierfsm.Store.
func (s *Store) Ledger(ctx context.Context, key string) (budget.Ledger, error) {
	return s.memberOfKey(key).Ledger(ctx, key)
}

// Park implements outbox.Outbox. The rows of each shard are written together.
func (s *Store) Park(ctx context.Context, rows []outbox.Parked) error {
	if len(rows) == 0 {
		return s.members[0].Park(ctx, nil) // only whether it could
	}
	for m, list := range s.byShard(rows) {
		if err := m.Park(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

// byShard divides rows.
func (s *Store) byShard(rows []outbox.Parked) map[*member][]outbox.Parked {
	divided := make(map[*member][]outbox.Parked)
	for _, row := range rows {
		m := s.member(row.ID)
		divided[m] = append(divided[m], row)
	}
	return divided
}
