package postgres_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

func TestReplicasMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewEmptyDatabase(t, "")
	var all sync.WaitGroup
	for range 8 {
		pool := pgtest.Pool(t, dsn, 1)
		all.Go(func() {
			if _, err := postgres.New(context.Background(), pool); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s, _ := openOn(t, pgtest.Pool(t, dsn, 1))
	require.NoError(t, s.Create(context.Background(), record("v1")))
}

func TestOnlyTablesThatNeedANewerVersionAreRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, pool := open(t)
	_, err := pool.Exec(ctx, `INSERT INTO carrierfsm_schema (version, least) VALUES (998, 2)`)
	require.NoError(t, err)
	s, _ := openOn(t, pool)
	require.NoError(t, s.Create(ctx, record("v1")), "the newer version has only added something")
	_, err = pool.Exec(ctx, `INSERT INTO carrierfsm_schema (version, least) VALUES (999, 999)`)
	require.NoError(t, err)
	_, err = postgres.New(ctx, pool)
	require.ErrorIs(t, err, postgres.ErrNewerSchema)
}

// New only reads if the tables are up to date, so the role needs no right to create
// tables.
func TestARoleWithoutTheRightToCreateCanStart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, pool := open(t)
	_, err := pool.Exec(ctx, `ALTER DATABASE `+pool.Config().ConnConfig.Database+` SET default_transaction_read_only = on`)
	require.NoError(t, err)
	pool.Reset()
	_, err = postgres.New(ctx, pool)
	require.NoError(t, err)
}

func TestADatabaseThatCantBeReachedIsOneClearError(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).DSN("no_such_database")
	_, err := postgres.New(context.Background(), pgtest.Pool(t, dsn, 1))
	require.ErrorContains(t, err, "carrierfsm/postgres: ")
	_, err = postgres.New(context.Background(), nil)
	require.Error(t, err)
	_, err = postgres.New(context.Background(), pgtest.Pool(t, dsn, 1), postgres.WithTimeout(0))
	require.Error(t, err)
}
