package postgres_test

import (
	"fmt"
	"testing"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// BenchmarkSettleOfManyDue runs on a server with fsync.
func BenchmarkSettleOfManyDue(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			fsmtest.BenchmarkSettle(b, 20_000, openReplicas(b, replicas)...)
		})
	}
}

// BenchmarkSettleBesidePeople runs on a server with fsync.
func BenchmarkSettleBesidePeople(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		b.Run(fmt.Sprintf("replicas=%d", replicas), func(b *testing.B) {
			fsmtest.BenchmarkSettleBesidePeople(b, 20_000, openReplicas(b, replicas)...)
		})
	}
}

// openReplicas opens stores of one new database.
func openReplicas(b *testing.B, n int) (stores []carrierfsm.Store) {
	b.Helper()
	dsn := durable.Cluster(b).NewDatabase(b)
	for range n {
		s, _ := openOn(b, pgtest.Pool(b, dsn, 10))
		stores = append(stores, s)
	}
	return stores
}

// BenchmarkHandlerDelayAcrossProcesses uses two stores on one database.
func BenchmarkHandlerDelayAcrossProcesses(b *testing.B) {
	dsn := durable.Cluster(b).NewDatabase(b)
	commits, _ := openOn(b, pgtest.Pool(b, dsn, 10))
	delivers, _ := openOn(b, pgtest.Pool(b, dsn, 10))
	fsmtest.BenchmarkHandlerDelay(b, commits, delivers)
}

func BenchmarkHandlerDelay(b *testing.B) {
	s, _ := openOn(b, pgtest.Pool(b, durable.Cluster(b).NewDatabase(b), 10))
	fsmtest.BenchmarkHandlerDelay(b, s, s)
}
