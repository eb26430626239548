package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

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
			return s
		})
	}
}
