package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// balance begins each verification on the shard that has the fewest under way, as if each
// driver stayed on one shard. Drivers that take any shard crowd on a few of them by chance: a
// fixed number of drivers that wait for their servers does, many people do not.
type balance struct {
	store *sharded.Store

	mu       sync.Mutex
	underWay []int // by shard
}

func newBalance(s *sharded.Store) *balance {
	return &balance{store: s, underWay: make([]int, len(s.Shards()))}
}

func (b *balance) verify(ctx context.Context, m *carrierfsm.Machine, lap func()) error {
	shard := b.enter()
	defer b.leave(shard)
	id := uuid.Must(uuid.NewV7())
	for b.store.ShardOf(id.String()) != shard {
		id = uuid.Must(uuid.NewV7())
	}
	return workload.PlainOf(ctx, m, id.String(), lap)
}

func (b *balance) enter() (shard int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	shard = slices.Index(b.underWay, slices.Min(b.underWay))
	b.underWay[shard]++
	return shard
}

func (b *balance) leave(shard int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.underWay[shard]--
}
