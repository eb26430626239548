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
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/internal/write"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

func TestPostgresKeepsTheContract(t *testing.T) {
	t.Parallel()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		tb.Helper()
		s, pool := open(tb)
		return fsmtest.StoreSubject{Store: s, Reopen: func() (carrierfsm.Store, error) {
			again, _ := openOn(tb, pool)
			return again, nil
		}}
	})
	fsmtest.TestOutbox(t, func(tb testing.TB) fsmtest.OutboxSubject {
		tb.Helper()
		s, pool := open(tb)
		return fsmtest.OutboxSubject{Store: s, Reopen: func() (outbox.Store, error) {
			again, _ := openOn(tb, pool)
			return again, nil
		}}
	})
	fsmtest.TestFigures(t, func(tb testing.TB) fsmtest.FiguresSubject {
		tb.Helper()
		s, pool := open(tb)
		return fsmtest.FiguresSubject{Store: s, Reopen: func() (fsmtest.FiguresStore, error) {
			again, _ := openOn(tb, pool)
			return again, nil
		}}
	})
	fsmtest.TestSurveyor(t, func(tb testing.TB) fsmtest.SurveyorSubject {
		tb.Helper()
		s, _ := open(tb)
		return fsmtest.SurveyorSubject{Store: s}
	})
}

// keepsTheContracts runs the contracts on stores that are opened in another way.
func keepsTheContracts(t *testing.T, open func(tb testing.TB) *postgres.Store) {
	t.Helper()
	fsmtest.TestStore(t, func(tb testing.TB) fsmtest.StoreSubject {
		tb.Helper()
		return fsmtest.StoreSubject{Store: open(tb)}
	})
	fsmtest.TestOutbox(t, func(tb testing.TB) fsmtest.OutboxSubject {
		tb.Helper()
		return fsmtest.OutboxSubject{Store: open(tb)}
	})
	fsmtest.TestFigures(t, func(tb testing.TB) fsmtest.FiguresSubject {
		tb.Helper()
		return fsmtest.FiguresSubject{Store: open(tb)}
	})
	fsmtest.TestSurveyor(t, func(tb testing.TB) fsmtest.SurveyorSubject {
		tb.Helper()
		return fsmtest.SurveyorSubject{Store: open(tb)}
	})
}

// linguisticOrder is the option of a database that sorts a before B.
const linguisticOrder = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"

func TestIDsAreOrderedByTheirBytes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, _ := openOn(t, pgtest.Pool(t, cluster.Cluster(t).NewEmptyDatabase(t, linguisticOrder), 2))
	for _, id := range []string{"B", "a", "b", "A"} {
		createRecord(t, s, id)
	}
	list, err := s.Due(ctx, noon, carrierfsm.PageKey{Time: noon, ID: "A"}, 10)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, "B", list[0].ID)
	list, err = s.List(ctx, carrierfsm.Query{After: carrierfsm.PageKey{Time: noon, ID: "a"}})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, "B", list[0].ID)
}

// Ids are ordered by their bytes in any locale.
func TestPostgresKeepsTheContractInAnyLocale(t *testing.T) {
	t.Parallel()
	keepsTheContracts(t, func(tb testing.TB) *postgres.Store {
		tb.Helper()
		dsn := cluster.Cluster(tb).NewEmptyDatabase(tb, linguisticOrder)
		s, _ := openOn(tb, pgtest.Pool(tb, dsn, 8))
		return s
	})
}

// The host may have configured serializable transactions, which fail more often,
// and the simple protocol.
func TestPostgresKeepsTheContractInStricterTransactions(t *testing.T) {
	t.Parallel()
	keepsTheContracts(t, func(tb testing.TB) *postgres.Store {
		tb.Helper()
		s, _ := openOn(tb, newPool(tb, cluster.Cluster(tb).NewDatabase(tb), func(config *pgxpool.Config) {
			config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
			config.ConnConfig.RuntimeParams["default_transaction_isolation"] = "serializable"
		}))
		return s
	})
}

func TestEveryExecModeWorks(t *testing.T) {
	t.Parallel()
	for _, mode := range []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			s, _ := openOn(t, newPool(t, cluster.Cluster(t).NewDatabase(t), func(config *pgxpool.Config) {
				config.ConnConfig.DefaultQueryExecMode = mode
			}))
			r := record(`it's"v1"\$1`)
			r.Body, r.Due = []byte{0, 1, 0xff}, noon
			require.NoError(t, s.Create(ctx, r))
			r, e := next(r)
			e.Detail = nil
			r2, e2 := record("v2"), carrierfsm.Entry{ID: "v2", Step: 1, At: noon, Detail: []byte{0, 0xff}}
			require.NoError(t, s.Create(ctx, r2))
			r2.Version = 2
			require.Equal(t, []error{nil, nil}, s.CommitBatch(ctx,
				write.Request{Record: r, Entries: []carrierfsm.Entry{e}}, write.Request{Record: r2, Entries: []carrierfsm.Entry{e2}}))
			got, err := s.Load(ctx, r.ID)
			require.NoError(t, err)
			require.Equal(t, r, got)
			list, err := s.History(ctx, r.ID, 0, 9)
			require.NoError(t, err)
			require.Equal(t, []carrierfsm.Entry{e}, list)
			list, err = s.History(ctx, "v2", 0, 9)
			require.NoError(t, err)
			require.Equal(t, []carrierfsm.Entry{e2}, list)
		})
	}
}

func TestCloseLeavesTheHostsPoolOpen(t *testing.T) {
	t.Parallel()
	s, pool := open(t)
	require.NoError(t, s.Close())
	require.NoError(t, pool.Ping(context.Background()))
}
