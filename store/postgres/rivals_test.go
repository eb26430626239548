package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
)

// What the foreign transaction holds, the store's statement waits for; what that
// holds, the foreign transaction wants next. The server looks for a deadlock once
// in each wait: by then the foreign transaction has to wait too.
func TestADeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := cluster.Cluster(t).NewDatabase(t)
	s, pool := openOn(t, poolOf(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["deadlock_timeout"] = "2s" }))
	p := step(created(t, s, "v1"))
	created(t, s, "v2")
	p.Record.Key = "new"
	foreign := poolOf(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.RuntimeParams["deadlock_timeout"] = "10min" })
	tx, err := foreign.Begin(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(ctx) }) // a test that fails doesn't hang
	_, err = tx.Exec(ctx, `UPDATE carrierfsm_verifications SET key = 'new' WHERE id = 'v2'`)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	waiters(t, pool, 1)
	_, err = tx.Exec(ctx, `SELECT FROM carrierfsm_verifications WHERE id = 'v1' FOR UPDATE`)
	require.NoError(t, err, "it is the store's statement that gives in")
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, <-done)
}

func TestTwoThatTakeOneKeyAtOnceAreJudgedByWhoWasFaster(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, pool := open(t)
	p := step(created(t, s, "v1"))
	created(t, s, "v2")
	p.Record.Key = "new"
	tx, err := pool.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `UPDATE carrierfsm_verifications SET key = 'new' WHERE id = 'v2'`)
	require.NoError(t, err)
	done := make(chan error, 2)
	go func() { done <- s.Commit(ctx, p.Record, p.Entries...) }()
	waiters(t, pool, 1)
	other := record("v3")
	other.Key = "new"
	go func() { done <- s.Create(ctx, other) }()
	waiters(t, pool, 2)
	require.NoError(t, tx.Commit(ctx))
	require.ErrorIs(t, <-done, carrierfsm.ErrKeyInUse)
	require.ErrorIs(t, <-done, carrierfsm.ErrKeyInUse)
}
