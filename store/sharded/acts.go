package sharded

import (
	"cmp"
	"context"
	"time"

	"github.com/carrierfsm/carrierfsm/store/acts"
)

// The log of acts: each act is on the shard of its own id, which is all that EndAct has.
// What is done to a verification has an id of its shard.

// log returns the log of the shard.
func (m *member) log() (acts.Log, error) {
	if l, ok := m.store.(acts.Log); ok {
		return l, nil
	}
	return nil, invalid("the store of the shard %s is no acts.Log", m.name)
}

// LogAct is acts.Log's.
func (m *member) LogAct(ctx context.Context, a acts.Act) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	l, err := m.log()
	if err != nil {
		return err
	}
	return l.LogAct(ctx, a)
}

// EndAct is acts.Log's.
func (m *member) EndAct(ctx context.Context, id string, outcome acts.Outcome, count int) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	l, err := m.log()
	if err != nil {
		return err
	}
	return l.EndAct(ctx, id, outcome, count)
}

// Acts is acts.Log's.
func (m *member) Acts(ctx context.Context, q acts.Query) (list []acts.Act, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	l, err := m.log()
	if err != nil {
		return nil, err
	}
	return l.Acts(ctx, q)
}

// PurgeActs is acts.Log's.
func (m *member) PurgeActs(ctx context.Context, before time.Time, limit int) (n int, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer m.leave(ctx, begun, &err)
	l, err := m.log()
	if err != nil {
		return 0, err
	}
	return l.PurgeActs(ctx, before, limit)
}

// PlaceAct returns an act's id with the slot of a verification in front. acts.Do and
// acts.Look call it: so one shard is enough for what is done to the verification, and
// another one that is down does not hinder it.
func (s *Store) PlaceAct(id, verification string) string {
	return prefixOf(s.slotOf(verification)) + id
}

// LogAct implements acts.Log.
func (s *Store) LogAct(ctx context.Context, a acts.Act) error {
	return s.member(a.ID).LogAct(ctx, a)
}

// EndAct implements acts.Log.
func (s *Store) EndAct(ctx context.Context, id string, outcome acts.Outcome, count int) error {
	return s.member(id).EndAct(ctx, id, outcome, count)
}

// Acts implements acts.Log.
func (s *Store) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	q.Limit = cmp.Or(max(q.Limit, 0), defaultLimit)
	lists, err := gather(ctx, s, func(ctx context.Context, m *member) ([]acts.Act, error) { return m.Acts(ctx, q) })
	return merge(lists, q.Limit, func(a, b acts.Act) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID))
	}), err
}

// PurgeActs implements acts.Log. It deletes the oldest acts of a shard, and then those of
// the next one.
func (s *Store) PurgeActs(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.inTurn(ctx, limit, func(m *member, limit int) (int, error) { return m.PurgeActs(ctx, before, limit) })
}
