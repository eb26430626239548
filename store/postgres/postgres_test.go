package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// cluster is the one of all tests here. Each test has a database of its own.
var cluster = pgtest.Shared{Migrate: func(dsn string) error {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = postgres.New(ctx, pool)
	return err
}}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := cluster.Close(); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// open makes a store of a database of its own.
func open(tb testing.TB, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	return openOn(tb, pgtest.Pool(tb, cluster.Cluster(tb).NewDatabase(tb), 8), opts...)
}

func openOn(tb testing.TB, pool *pgxpool.Pool, opts ...postgres.Option) (*postgres.Store, *pgxpool.Pool) {
	tb.Helper()
	s, err := postgres.New(context.Background(), pool, opts...)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	return s, pool
}

func TestPostgresKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		s, pool := open(tb)
		return fsmtest.StoreSubject{Store: s, Reopen: func() (carrierfsm.Store, error) {
			again, _ := openOn(tb, pool)
			return again, nil
		}}
	})
}
