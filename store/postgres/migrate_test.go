package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/schema"
)

func TestReplicasMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).NewEmptyDatabase(t, "")
	var all sync.WaitGroup
	for range 8 {
		pool := pgtest.Pool(t, dsn, 1)
		all.Go(func() {
			s, err := postgres.New(context.Background(), pool.Config())
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
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
	_, err = postgres.New(ctx, pool.Config())
	require.ErrorIs(t, err, schema.ErrNewer)
	require.Equal(t, 1, strings.Count(err.Error(), "carrierfsm/postgres: "), err)
}

func TestADatabaseThatCantBeReachedIsOneClearError(t *testing.T) {
	t.Parallel()
	dsn := cluster.Cluster(t).DSN("no_such_database")
	_, err := postgres.New(context.Background(), pgtest.Pool(t, dsn, 1).Config())
	require.ErrorContains(t, err, "carrierfsm/postgres: ")
	_, err = postgres.New(context.Background(), nil)
	require.Error(t, err)
	_, err = postgres.New(context.Background(), pgtest.Pool(t, dsn, 1).Config(), postgres.WithTimeout(0))
	require.Error(t, err)
}
