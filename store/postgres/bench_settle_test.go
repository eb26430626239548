package postgres_test

import (
	"testing"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// BenchmarkSettleOfManyDue runs on a server with fsync.
func BenchmarkSettleOfManyDue(b *testing.B) {
	s, _ := openOn(b, pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10))
	fsmtest.BenchmarkSettle(b, s, 20_000)
}
