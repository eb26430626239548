package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// After the switch the shard is written elsewhere: what a store of the older epoch would
// load here is old.
func TestAStoreOfAnOlderEpochLoadsNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := cluster.Cluster(t).NewDatabase(t)
	mover, _ := openOn(t, pgtest.Pool(t, dsn, 2))
	require.NoError(t, mover.SetShard(ctx, "a", 1, "0-1024/1024"))
	fast, _ := openOn(t, pgtest.Pool(t, dsn, 2))
	plain := openPlain(t, dsn)
	now := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	require.NoError(t, mover.Create(ctx, carrierfsm.Record{ID: "v", State: carrierfsm.Created, Version: 1, Created: now, Updated: now}))
	for name, old := range map[string]interface {
		carrierfsm.Store
		BindShard(epoch int64)
	}{"fast": fast, "plain": plain} {
		old.BindShard(1)
		_, err := old.Load(ctx, "v")
		require.NoError(t, err, name)
		_, err = old.Load(ctx, "w")
		require.ErrorIs(t, err, carrierfsm.ErrNotFound, name)
	}
	_, errs := fast.LoadBatch(ctx, "v", "w")
	require.NoError(t, errs[0])
	require.NoError(t, mover.SetShard(ctx, "a", 2, "moved 0-1024/1024"))
	for name, old := range map[string]carrierfsm.Store{"fast": fast, "plain": plain} {
		for _, id := range []string{"v", "w"} {
			_, err := old.Load(ctx, id)
			require.ErrorIs(t, err, carrierfsm.ErrMoved, "%s %s", name, id)
		}
	}
	list, errs := fast.LoadBatch(ctx, "v", "w")
	require.Error(t, errs[0])
	require.Empty(t, list[0].ID)
}
