package sharded

import (
	"context"
	"errors"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// The further powers of a shard's store, and its outbox, behind the gate. Where the store
// does not have a power, the call does nothing or returns an error.

// errNoClock is returned where a store has no clock of its own.
var errNoClock = errors.New("sharded: the store of this shard has no clock")

// Now is a power of a carrierfsm.Store.
func (m *member) Now(ctx context.Context) (now time.Time, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return now, err
	}
	clock, ok := m.store.(interface {
		Now(ctx context.Context) (time.Time, error)
	})
	if !ok {
		var none error
		m.leave(ctx, begun, &none)
		return now, errNoClock
	}
	defer m.leave(ctx, begun, &err)
	return clock.Now(ctx)
}

// CheckSchema is a power of a carrierfsm.Store.
func (m *member) CheckSchema(ctx context.Context) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(interface {
		CheckSchema(ctx context.Context) error
	}); ok {
		return s.CheckSchema(ctx)
	}
	return nil
}

// Reseal is a power of a carrierfsm.Store. Where the store has none, the details stay
// sealed as they are.
func (m *member) Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(interface {
		Reseal(ctx context.Context, r carrierfsm.Record, details ...carrierfsm.Entry) error
	}); ok {
		return s.Reseal(ctx, r, details...)
	}
	return m.store.Commit(ctx, r)
}

// PurgeDelivered is a power of an outbox.Outbox.
func (m *member) PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(interface {
		PurgeDelivered(ctx context.Context, before time.Time, limit int) (deleted, kept int, err error)
	}); ok {
		return s.PurgeDelivered(ctx, before, limit)
	}
	deleted, err = m.store.Purge(ctx, before, limit)
	return deleted, 0, err
}

// Retire is a power of an outbox.Outbox.
func (m *member) Retire(ctx context.Context, name string) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(interface {
		Retire(ctx context.Context, name string) error
	}); ok {
		return s.Retire(ctx, name)
	}
	return invalid("the store of the shard %s can't retire a handler", m.name)
}

// AfterRestore ends the leases of a restored database.
func (m *member) AfterRestore(ctx context.Context) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(interface {
		AfterRestore(ctx context.Context) error
	}); ok {
		return s.AfterRestore(ctx)
	}
	return nil
}

// Survey is survey.Surveyor's.
func (m *member) Survey(ctx context.Context, from, until time.Time, limit int) (list []survey.Timeline, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(survey.Surveyor); ok {
		return s.Survey(ctx, from, until, limit)
	}
	return nil, invalid("the store of the shard %s is no survey.Surveyor", m.name)
}

// Audit is audit.Auditor's.
func (m *member) Audit(ctx context.Context, limit int) (list []audit.Finding, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	if s, ok := m.store.(audit.Auditor); ok {
		return s.Audit(ctx, limit)
	}
	return nil, invalid("the store of the shard %s is no audit.Auditor", m.name)
}

// Acquire is outbox.Outbox's.
func (m *member) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (l outbox.Lease, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return l, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Acquire(ctx, name, owner, ttl, start)
}

// Release is outbox.Outbox's.
func (m *member) Release(ctx context.Context, l outbox.Lease) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Release(ctx, l)
}

// Pending is outbox.Outbox's.
func (m *member) Pending(ctx context.Context, l outbox.Lease, limit int) (b outbox.Batch, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return b, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Pending(ctx, l, limit)
}

// Advance is outbox.Outbox's.
func (m *member) Advance(ctx context.Context, l outbox.Lease, b outbox.Batch, n int, rows []outbox.Parked) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Advance(ctx, l, b, n, rows)
}

// Park is outbox.Outbox's.
func (m *member) Park(ctx context.Context, rows []outbox.Parked) (err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Park(ctx, rows)
}

// Parked is outbox.Outbox's.
func (m *member) Parked(ctx context.Context, q outbox.ParkedQuery) (list []outbox.Parked, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Parked(ctx, q)
}

// Cursors is outbox.Outbox's.
func (m *member) Cursors(ctx context.Context) (list []outbox.Cursor, err error) {
	begun, err := m.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer m.leave(ctx, begun, &err)
	return m.store.Cursors(ctx)
}

// Watch is outbox.Watcher's. It takes no place of the gate: it goes on for as
// long as the dispatcher runs.
func (m *member) Watch(ctx context.Context, committed func()) error {
	select {
	case <-m.watchable:
	case <-ctx.Done():
		return ctx.Err()
	}
	if m.closed.Load() {
		return carrierfsm.ErrClosed
	}
	s, ok := m.store.(outbox.Watcher)
	if !ok {
		<-ctx.Done()
		return ctx.Err()
	}
	return s.Watch(ctx, committed)
}
