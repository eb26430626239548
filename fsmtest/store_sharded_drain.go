package fsmtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// ShardDatabase is the database of one shard, as package store/sharded has it.
type ShardDatabase interface {
	Shard(ctx context.Context) (name string, epoch int64, slots string, err error)
	DrainShard(ctx context.Context, epoch int64, drain bool) error
}

// drained is a shard whose calls are under way or not, and the other shards.
type drained struct {
	*shardedBench
	shard         int
	database      ShardDatabase
	epoch         int64
	calling, idle []carrierfsm.Record // on the shard: half of them each
	elsewhere     []carrierfsm.Record // no call is under way
}

// drainOne creates records and has one shard drain.
func (b *shardedBench) drainOne() (*drained, error) {
	records, err := b.placed(90)
	if err != nil {
		return nil, err
	}
	d := &drained{shardedBench: b, shard: b.store().ShardOf(records[0].ID)}
	for i, r := range records {
		if here := b.store().ShardOf(r.ID) == d.shard; here && i%2 == 0 {
			d.calling = append(d.calling, r) // each record is created in flight
			continue
		}
		r, e := settled(r)
		if err := b.store().Commit(b.ctx, r, e); err != nil {
			return nil, fmt.Errorf("calling Commit: %w", err)
		}
		if b.store().ShardOf(r.ID) == d.shard {
			d.idle = append(d.idle, r)
		} else {
			d.elsewhere = append(d.elsewhere, r)
		}
	}
	if len(d.calling) < 5 || len(d.idle) < 5 || len(d.elsewhere) < 5 {
		return nil, errors.New("PlaceID uses few shards")
	}
	d.database = b.Database(d.shard)
	_, d.epoch, _, err = d.database.Shard(b.ctx)
	return d, first(err,
		want("DrainShard with an older epoch", d.database.DrainShard(b.ctx, d.epoch-1, true), carrierfsm.ErrConflict),
		want("DrainShard with a later epoch", d.database.DrainShard(b.ctx, d.epoch+1, true), carrierfsm.ErrConflict),
		d.drain(true), d.drain(true))
}

func (d *drained) drain(drain bool) error {
	if err := d.database.DrainShard(d.ctx, d.epoch, drain); err != nil {
		return fmt.Errorf("DrainShard(%v) returned %w", drain, err)
	}
	return nil
}

// settled is next with the outcome of a call.
func settled(r carrierfsm.Record) (carrierfsm.Record, carrierfsm.Entry) {
	r, e := next(r)
	r.InFlight = false
	return r, e
}

// intent is what a submission writes before its call: it spends, and has no entry.
func intent(r carrierfsm.Record) carrierfsm.Record {
	step := r.Step
	r, _ = spending(r, spend("key-0", 1, noon))
	r.Spends[0].Key, r.Step, r.InFlight = r.Key, step, true
	return r
}

// withoutSpends is a record as it is stored.
func withoutSpends(r carrierfsm.Record) carrierfsm.Record {
	r.Spends = nil
	return r
}

func draining(b *shardedBench) error {
	d, err := b.drainOne()
	if err != nil {
		return err
	}
	if err := first(d.bothKinds(), d.creations(), d.otherWrites(), d.refusals()); err != nil {
		return err
	}
	for _, r := range d.elsewhere {
		if err := b.begins(r); err != nil {
			return fmt.Errorf("on a shard that does not drain: %w", err)
		}
	}
	if err := first(d.drain(false), d.drain(false)); err != nil {
		return err
	}
	for _, r := range d.idle {
		if err := b.begins(r); err != nil {
			return fmt.Errorf("on a shard that drains no more: %w", err)
		}
	}
	return nil
}

// begins commits the intent of a record.
func (b *shardedBench) begins(r carrierfsm.Record) error {
	after := intent(r)
	if err := b.store().Commit(b.ctx, after); err != nil {
		return fmt.Errorf("an intent is refused: %w", err)
	}
	return first(b.stores(withoutSpends(after)), b.counts(r.Key, 1, noon))
}

// bothKinds commits outcomes and intents at the same time: the outcomes are stored, with a
// cancellation of half of the calls before; the intents are refused, with and without
// spends, and nothing of them is written.
func (d *drained) bothKinds() error {
	errs := concurrently(len(d.calling)+len(d.idle), func(i int) (err error) {
		if i >= len(d.calling) {
			begin := intent(d.idle[i-len(d.calling)])
			if i%2 == 0 {
				begin = withoutSpends(begin)
			}
			return want("the intent of a call", d.store().Commit(d.ctx, begin), carrierfsm.ErrMoved)
		}
		r, e := next(d.calling[i])
		if i%2 == 0 { // the call stays under way
			err = d.store().Commit(d.ctx, r, e)
			r, e = next(r)
		}
		r.InFlight = false
		d.calling[i] = r
		if err = first(err, d.store().Commit(d.ctx, r, e)); err != nil {
			err = fmt.Errorf("the outcome of a call is refused: %w", err)
		}
		return err
	})
	errs = append(errs, d.idleUnchanged())
	for _, r := range d.calling {
		errs = append(errs, d.stores(r))
	}
	return first(errs...)
}

// idleUnchanged checks that no record without a call was changed, and nothing was spent.
func (d *drained) idleUnchanged() error {
	for _, r := range d.idle {
		if err := first(d.stores(r), d.counts(r.Key, 0, noon)); err != nil {
			return err
		}
	}
	return nil
}

// creations creates records with a call, which is refused, and without one.
func (d *drained) creations() error {
	errs := concurrently(20, func(i int) error {
		key, err := d.keyOn(func(shard int) bool { return shard == d.shard })
		if err != nil {
			return err
		}
		r := record(d.store().PlaceID(fmt.Sprintf("new-%d", i), key))
		r.Key = ""
		if i%4 == 0 {
			r.InFlight = false
			return first(d.store().Create(d.ctx, r), d.stores(r))
		}
		if i%2 == 0 {
			r.Spends = intent(r).Spends
			r.Spends[0].Key = key
		}
		err = want("Create of a record in flight", d.store().Create(d.ctx, r), carrierfsm.ErrMoved)
		_, load := d.store().Load(d.ctx, r.ID)
		return first(err, want("Load", load, carrierfsm.ErrNotFound), d.counts(key, 0, noon))
	})
	return first(errs...)
}

// otherWrites are those of timers, operators and the outbox.
func (d *drained) otherWrites() error {
	box := d.store().Shards()[d.shard].Store.(outbox.Store)
	expired, e := settled(d.idle[0])
	erased, e2 := settled(d.idle[1])
	err := first(box.Commit(d.ctx, expired, e), box.Erase(d.ctx, erased, e2), d.stores(expired), box.Park(d.ctx, []outbox.Parked{parkedRow("another", expired.ID)}))
	if err != nil {
		return fmt.Errorf("a write without a call: %w", err)
	}
	d.idle[0], d.idle[1] = expired, erased
	l, err := box.Acquire(d.ctx, "reader", "one", day, outbox.FromBeginning)
	if err != nil {
		return fmt.Errorf("calling Acquire: %w", err)
	}
	batch, err := box.Pending(d.ctx, l, 2)
	if err == nil {
		err = box.Advance(d.ctx, l, batch, len(batch.Entries), nil)
	}
	if err != nil {
		return fmt.Errorf("a write of the outbox: %w", err)
	}
	return nil
}

// refusals are those that are told before the one of a shard that drains: the machine looks
// at the record again. A key or a budget is told after it, since the machine may end another
// verification to make room for a key.
func (d *drained) refusals() error {
	stale := intent(d.idle[0])
	stale.Version++
	unknown := intent(d.idle[0])
	unknown.ID += "-unknown"
	taken := record(d.idle[0].ID)
	taken.Key = d.idle[0].Key
	second := record(d.store().PlaceID("second", taken.Key))
	second.Key = taken.Key
	costly := intent(d.idle[0])
	costly.Spends[0].N = 3
	box := d.store().Shards()[d.shard].Store
	return first(
		want("a stale intent", d.store().Commit(d.ctx, stale), carrierfsm.ErrConflict),
		want("an intent of an unknown id", box.Commit(d.ctx, withoutSpends(unknown)), carrierfsm.ErrNotFound),
		want("Create of an id that is taken", d.store().Create(d.ctx, taken), carrierfsm.ErrExists),
		want("Create with a key that is in use", d.store().Create(d.ctx, second), carrierfsm.ErrMoved),
		want("an intent over its budget", d.store().Commit(d.ctx, costly), carrierfsm.ErrMoved),
		d.idleUnchanged(),
	)
}
