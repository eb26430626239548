package fsmtest_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// broken is a sharded store with a fault.
type brokenShards struct {
	*sharded.Store
	placeID func(id, key string) string
	shardOf func(id string) int
	list    func(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error)
	due     func(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error)
	parked  func(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error)
	commit  func(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error
	purge   func(ctx context.Context, before time.Time, limit int) (int, error)
	create  func(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error
	drain   func(m *member, epoch int64, drain bool) error
}

func (b *brokenShards) PlaceID(id, key string) string { return b.placeID(id, key) }
func (b *brokenShards) ShardOf(id string) int         { return b.shardOf(id) }

func (b *brokenShards) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	return b.list(ctx, q)
}

func (b *brokenShards) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	return b.due(ctx, now, after, limit)
}

func (b *brokenShards) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	return b.parked(ctx, q)
}

func (b *brokenShards) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return b.commit(ctx, r, entries...)
}

func (b *brokenShards) Create(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	return b.create(ctx, r, entries...)
}

func (b *brokenShards) Purge(ctx context.Context, before time.Time, limit int) (int, error) {
	return b.purge(ctx, before, limit)
}

// member is a store in memory that can be down, and that may not check its epoch.
type member struct {
	*memory.Store
	down    atomic.Bool
	unbound bool
}

func (m *member) BindShard(epoch int64) {
	if !m.unbound {
		m.Store.BindShard(epoch)
	}
}

var errDown = errors.New("the server is down")

func (m *member) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	if m.down.Load() {
		return carrierfsm.Record{}, errDown
	}
	return m.Store.Load(ctx, id)
}

func (m *member) Commit(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
	if m.down.Load() {
		return errDown
	}
	return m.Store.Commit(ctx, r, entries...)
}

func (m *member) List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Store.List(ctx, q)
}

func (m *member) Due(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Store.Due(ctx, now, after, limit)
}

func (m *member) Parked(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Store.Parked(ctx, q)
}

func (m *member) Cursors(ctx context.Context) ([]outbox.Cursor, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Store.Cursors(ctx)
}

func (m *member) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	if m.down.Load() {
		return nil, errDown
	}
	return m.Store.Survey(ctx, from, until, limit)
}

// database is a member that drains as its store does.
type database struct {
	*member
	of *brokenShards
}

func (d database) DrainShard(_ context.Context, epoch int64, drain bool) error {
	return d.of.drain(d.member, epoch, drain)
}

// openBroken returns a store with a fault.
func openBroken(tb testing.TB, unbound bool, fault func(*brokenShards)) fsmtest.ShardedSubject {
	tb.Helper()
	c := sharded.Config{Create: true}
	var members []*member
	for _, name := range []string{"a", "b", "c"} {
		m := &member{Store: memory.New(), unbound: unbound}
		members = append(members, m)
		c.Shards = append(c.Shards, sharded.Shard{Name: name, Store: m})
	}
	s, err := sharded.New(context.Background(), c)
	require.NoError(tb, err)
	b := &brokenShards{
		Store: s, placeID: s.PlaceID, shardOf: s.ShardOf, list: s.List, due: s.Due, parked: s.Parked, commit: s.Commit, purge: s.Purge, create: s.Create,
		drain: func(m *member, epoch int64, drain bool) error {
			return m.DrainShard(context.Background(), epoch, drain)
		},
	}
	fault(b)
	return fsmtest.ShardedSubject{
		Store: b,
		Down: func(i int) func() {
			members[i].down.Store(true)
			return func() { members[i].down.Store(false) }
		},
		Move: func(i int) error {
			name, epoch, slots, err := members[i].Shard(context.Background())
			return errors.Join(err, members[i].SetShard(context.Background(), name, epoch+1, slots))
		},
		Database: func(i int) fsmtest.ShardDatabase { return database{members[i], b} },
	}
}

// The contract of shards finds each of these faults, in these cases.
func TestTheContractOfShardsFindsFaults(t *testing.T) {
	t.Parallel()
	require.NoError(t, fsmtest.CheckSharded(t, func(tb testing.TB) fsmtest.ShardedSubject {
		tb.Helper()
		return openBroken(tb, false, func(*brokenShards) {})
	}))
	for _, c := range []struct {
		fault   string
		unbound bool
		in      []string
		inject  func(*brokenShards)
	}{
		{"PlaceID ignores the key", false, []string{"Placement", "Uniqueness"}, func(b *brokenShards) {
			b.placeID = func(id, _ string) string { return b.Store.PlaceID(id, "") }
		}},
		{"all ids are placed on one shard", false, []string{"Placement"}, func(b *brokenShards) {
			b.placeID = func(id, _ string) string { return "s000-" + id }
		}},
		{"ShardOf hashes otherwise than the router", false, []string{"Placement", "OneDown"}, func(b *brokenShards) {
			b.shardOf = func(id string) int { return (b.Store.ShardOf(id) + 1) % 3 }
		}},
		{"a key of another shard is taken", false, []string{"OtherShard"}, func(b *brokenShards) {
			b.create = func(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
				return b.Shards()[b.Store.ShardOf(r.ID)].Store.Create(ctx, r, entries...)
			}
		}},
		{"a spend of another shard is taken", false, []string{"OtherShard"}, func(b *brokenShards) {
			b.commit = func(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
				return b.Shards()[b.Store.ShardOf(r.ID)].Store.Commit(ctx, r, entries...)
			}
		}},
		{"List asks one shard", false, []string{"Pages", "OneDown"}, func(b *brokenShards) {
			b.list = b.Shards()[0].Store.List
		}},
		{"List is one shard after the other", false, []string{"Pages"}, func(b *brokenShards) {
			b.list = func(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
				list, err := b.Store.List(ctx, q)
				slices.SortStableFunc(list, func(x, y carrierfsm.Record) int { return b.Store.ShardOf(x.ID) - b.Store.ShardOf(y.ID) })
				return list, err
			}
		}},
		{"Due has the limit of each shard", false, []string{"Pages"}, func(b *brokenShards) {
			b.due = func(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
				return b.Store.Due(ctx, now, after, 3*limit)
			}
		}},
		{"Parked begins again on each page", false, []string{"Pages"}, func(b *brokenShards) {
			b.parked = func(ctx context.Context, q outbox.ParkedQuery) ([]outbox.Parked, error) {
				again := q.After.ID == "v10"
				if again {
					q.After.ID = "v0"
				}
				return b.Store.Parked(ctx, q)
			}
		}},
		{"Purge has the limit of each shard", false, []string{"Purge"}, func(b *brokenShards) {
			b.purge = func(ctx context.Context, before time.Time, limit int) (n int, err error) {
				for _, shard := range b.Shards() {
					deleted, e := shard.Store.Purge(ctx, before, limit)
					n, err = n+deleted, errors.Join(err, e)
				}
				return n, err
			}
		}},
		{"a merged read stops at the first error", false, []string{"OneDown"}, func(b *brokenShards) {
			b.list = func(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Record, error) {
				list, err := b.Store.List(ctx, q)
				if err != nil {
					return nil, err
				}
				return list, nil
			}
		}},
		{"a merged read conceals the shard that is down", false, []string{"OneDown"}, func(b *brokenShards) {
			b.due = func(ctx context.Context, now time.Time, after carrierfsm.PageKey, limit int) ([]carrierfsm.Record, error) {
				list, _ := b.Store.Due(ctx, now, after, limit)
				return list, nil
			}
		}},
		{"an older epoch writes", true, []string{"OlderEpoch", "Draining"}, func(*brokenShards) {}},
		{"a draining shard takes calls", false, []string{"Draining"}, func(b *brokenShards) {
			b.drain = func(*member, int64, bool) error { return nil }
		}},
		{"a shard drains for ever", false, []string{"Draining"}, func(b *brokenShards) {
			b.drain = func(m *member, epoch int64, drain bool) error {
				return m.DrainShard(context.Background(), epoch, drain || epoch == 1)
			}
		}},
		{"a shard drains in any epoch", false, []string{"Draining"}, func(b *brokenShards) {
			b.drain = func(m *member, _ int64, drain bool) error { return m.DrainShard(context.Background(), 1, drain) }
		}},
		{"a draining shard takes no outcomes", false, []string{"Draining"}, func(b *brokenShards) {
			b.drain = func(m *member, epoch int64, drain bool) error {
				name, stored, slots, err := m.Shard(context.Background())
				if stored != epoch {
					return errors.Join(err, carrierfsm.ErrConflict)
				}
				return errors.Join(err, m.SetShard(context.Background(), name, epoch+1, slots))
			}
		}},
		{"a creation on a draining shard loses its call", false, []string{"Draining"}, func(b *brokenShards) {
			b.create = func(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
				err := b.Store.Create(ctx, r, entries...)
				if errors.Is(err, carrierfsm.ErrMoved) {
					r.InFlight = false
					_ = b.Store.Create(ctx, r, entries...)
				}
				return err
			}
		}},
		{"what a draining shard refuses is spent", false, []string{"Draining"}, func(b *brokenShards) {
			b.commit = func(ctx context.Context, r carrierfsm.Record, entries ...carrierfsm.Entry) error {
				err := b.Store.Commit(ctx, r, entries...)
				if errors.Is(err, carrierfsm.ErrMoved) && len(r.Spends) > 0 {
					r.ID, r.Key, r.Version, r.InFlight = b.Store.PlaceID("other", r.Key), "", 1, false
					_ = b.Store.Create(ctx, r)
				}
				return err
			}
		}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			err := fsmtest.CheckSharded(t, func(tb testing.TB) fsmtest.ShardedSubject {
				tb.Helper()
				return openBroken(tb, c.unbound, c.inject)
			})
			for _, name := range c.in {
				require.ErrorContains(t, err, name+": ")
			}
		})
	}
}
