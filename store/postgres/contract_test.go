package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

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

// poolOf opens a pool whose connections are configured thus.
func poolOf(tb testing.TB, dsn string, configure func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(tb, err)
	config.MaxConns = 8
	configure(config)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(tb, err)
	tb.Cleanup(pool.Close)
	return pool
}

// peoplesOrder makes a database that sorts letters as people do: a before B.
const peoplesOrder = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"

func TestIDsAreOrderedByTheirBytes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, _ := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewEmptyDatabase(t, peoplesOrder), 2))
	for _, id := range []string{"B", "a", "b", "A"} {
		created(t, s, id)
	}
	list, err := s.Due(ctx, noon, carrierfsm.DueMark{Due: noon, ID: "A"}, 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, "B", list[0].ID)
	list, err = s.List(ctx, carrierfsm.Query{After: carrierfsm.ListMark{Created: noon, ID: "a"}})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "B", list[0].ID)
}

// Through a pooler in transaction mode there are no prepared statements. The
// database sorts letters as people do, which ids must not follow.
func TestPostgresKeepsTheContractBehindAPoolerAndInAnyLocale(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		dsn := cluster.Cluster(tb).NewEmptyDatabase(tb, peoplesOrder)
		s, _ := openOn(tb, poolOf(tb, dsn, func(config *pgxpool.Config) {
			config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		}))
		return fsmtest.StoreSubject{Store: s}
	})
}

// A host may have its transactions serializable, which makes the server refuse
// more, and its protocol simple.
func TestPostgresKeepsTheContractInStricterTransactions(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		s, _ := openOn(tb, poolOf(tb, cluster.Cluster(tb).NewDatabase(tb), func(config *pgxpool.Config) {
			config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
			config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
		}))
		return fsmtest.StoreSubject{Store: s}
	})
}

func TestEveryExecModeServes(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			s, _ := openOn(t, poolOf(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
				config.ConnConfig.DefaultQueryExecMode = mode
			}))
			r := record(`it's "v1" \ $1`)
			r.Body, r.Due = []byte{0, 1, 0xff}, noon
			require.NoError(t, s.Create(ctx, r))
			r, e := next(r)
			e.Detail = nil
			twin, twinEntry := record("v2"), carrierfsm.Entry{ID: "v2", Step: 1, At: noon, Detail: []byte{0, 0xff}}
			require.NoError(t, s.Create(ctx, twin))
			twin.Version = 2
			require.Equal(t, []error{nil, nil}, s.CommitTogether(ctx,
				postgres.Pair{Record: r, Entries: []carrierfsm.Entry{e}}, postgres.Pair{Record: twin, Entries: []carrierfsm.Entry{twinEntry}}))
			got, err := s.Load(ctx, r.ID)
			require.NoError(t, err)
			require.Equal(t, r, got)
			list, err := s.History(ctx, r.ID, 0, 9)
			require.NoError(t, err)
			require.Equal(t, []carrierfsm.Entry{e}, list)
			list, err = s.History(ctx, "v2", 0, 9)
			require.NoError(t, err)
			require.Equal(t, []carrierfsm.Entry{twinEntry}, list)
		})
	}
}
