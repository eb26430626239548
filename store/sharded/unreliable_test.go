package sharded_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

var errDown = errors.New("the server is down")

// unreliable is a shard's store that can be down. It counts the calls that reach it.
type unreliable struct {
	sharded.Member
	down  atomic.Bool
	calls atomic.Int64
}

func (u *unreliable) called() error {
	u.calls.Add(1)
	if u.down.Load() {
		return errDown
	}
	return nil
}

func (u *unreliable) Shard(ctx context.Context) (name string, epoch int64, slots string, err error) {
	if err := u.called(); err != nil {
		return "", 0, "", err
	}
	return u.Member.Shard(ctx)
}

func (u *unreliable) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := u.called(); err != nil {
		return err
	}
	return u.Member.Create(ctx, r, entries...)
}

func (u *unreliable) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if err := u.called(); err != nil {
		return carrierfsm.Record{}, err
	}
	return u.Member.Load(ctx, id)
}

func (u *unreliable) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if err := u.called(); err != nil {
		return err
	}
	return u.Member.Commit(ctx, r, entries...)
}

func (u *unreliable) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if err := u.called(); err != nil {
		return nil, err
	}
	return u.Member.List(ctx, q)
}

func (u *unreliable) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if err := u.called(); err != nil {
		return nil, err
	}
	return u.Member.Due(ctx, now, after, limit)
}

func (u *unreliable) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if err := u.called(); err != nil {
		return nil, err
	}
	return u.Member.Parked(ctx, q)
}

func (u *unreliable) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	if err := u.called(); err != nil {
		return nil, err
	}
	return u.Member.Cursors(ctx)
}

func (u *unreliable) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	if err := u.called(); err != nil {
		return nil, err
	}
	return u.Member.(survey.Surveyor).Survey(ctx, from, until, limit)
}

func (u *unreliable) Acquire(ctx context.Context, name, owner string, ttl time.Duration, start outbox.Start) (outbox.Lease, error) {
	if err := u.called(); err != nil {
		return outbox.Lease{}, err
	}
	return u.Member.Acquire(ctx, name, owner, ttl, start)
}

func (u *unreliable) Pending(ctx context.Context, l outbox.Lease, limit int) (outbox.Batch, error) {
	if err := u.called(); err != nil {
		return outbox.Batch{}, err
	}
	return u.Member.Pending(ctx, l, limit)
}

// Close closes the store behind.
func (u *unreliable) Close() error {
	return u.Member.(interface{ Close() error }).Close()
}

// unreliably makes each shard unreliable.
func unreliably(c sharded.Config) (sharded.Config, []*unreliable) {
	var list []*unreliable
	for i := range c.Shards {
		u := &unreliable{Member: c.Shards[i].Store}
		c.Shards[i].Store = u
		list = append(list, u)
	}
	return c, list
}
