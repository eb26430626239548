package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
)

// poolerModes are the exec modes for a pooler that does not support prepared
// statements.
var poolerModes = []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol}

func TestPostgresKeepsTheContractBehindAPooler(t *testing.T) {
	t.Parallel()
	server := cluster.Cluster(t)
	pooled := server.Pooler(t, 3)
	for _, mode := range poolerModes {
		keepsTheContracts(t, func(tb testing.TB) *postgres.Store {
			tb.Helper()
			direct, err := pgxpool.ParseConfig(server.NewDatabase(tb))
			require.NoError(tb, err)
			s, _ := openOn(tb, newPool(tb, pooled(direct.ConnConfig.Database), func(config *pgxpool.Config) {
				config.ConnConfig.DefaultQueryExecMode = mode
			}))
			require.True(tb, s.Pooled(), "no write may leave its connection")
			return s
		})
	}
}

// LISTEN hears nothing behind a pooler that gives a connection to each transaction: the
// polls find what another process has committed.
func TestADispatcherBehindAPoolerDeliversWhatOtherProcessesCommit(t *testing.T) {
	t.Parallel()
	server := cluster.Cluster(t)
	direct, err := pgxpool.ParseConfig(server.NewDatabase(t))
	require.NoError(t, err)
	dsn := server.Pooler(t, 6)(direct.ConnConfig.Database)
	open := func() *postgres.Store {
		s, _ := openOn(t, newPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec }))
		return s
	}
	own, other := open(), open()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: own, Upstream: fsmtest.NewUpstream()})
	require.NoError(t, err)
	delivered := make(chan carrierfsm.Event, 100)
	d, err := outbox.New(m, own, outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": func(_ context.Context, t carrierfsm.Transition) error {
			delivered <- t.Event
			return nil
		}},
		PollInterval: 20 * time.Millisecond,
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: other})
	b.Reach("10008")
	for _, e := range []carrierfsm.Event{carrierfsm.ApplicationAccepted, carrierfsm.PasswordRequested, carrierfsm.CollectionStarted} {
		require.Equal(t, e, receive(t, delivered))
	}
	stop()
	require.NoError(t, <-ended)
}
