package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// BenchmarkPlainVerification runs on a server with fsync. It also reports how much
// each verification adds to the database.
func BenchmarkPlainVerification(b *testing.B) {
	for _, drivers := range []int{1, 8, 32, 64} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			pool := pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10)
			s, _ := openOn(b, pool)
			size := func() (bytes int64) {
				const tables = `SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'carrierfsm%' AND relkind = 'r'`
				require.NoError(b, pool.QueryRow(context.Background(), tables).Scan(&bytes))
				return bytes
			}
			before := size()
			fsmtest.BenchmarkStore(b, s, drivers)
			b.ReportMetric(float64(size()-before)/float64(b.N), "B/verification")
		})
	}
}
