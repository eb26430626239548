package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// A verification survives the process: another store opens the same file.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "verifications.db")

	for range 2 { // two processes, one after the other
		store, err := sqlite.Open(ctx, path)
		if err != nil {
			panic(err)
		}
		m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: fsmtest.NewUpstream()})
		if err != nil {
			panic(err)
		}
		_, err = m.Create(ctx, carrierfsm.NewVerification{ID: "order-1"})
		fmt.Println(err)
		_, _ = m.Close(ctx), store.Close()
	}
	// Output:
	// <nil>
	// carrierfsm: the id is taken (id order-1)
}

// The tables are made before the service starts, which then leaves them as they are.
func ExampleMigrate() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx, path := context.Background(), filepath.Join(folder, "verifications.db")

	_, err = sqlite.Open(ctx, path, sqlite.WithoutMigrate())
	fmt.Println("without a migration:", err != nil)
	if err := sqlite.Migrate(ctx, path); err != nil {
		fmt.Println(err)
		return
	}
	s, err := sqlite.Open(ctx, path, sqlite.WithoutMigrate())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()
	versions, err := sqlite.Versions(ctx, path)
	for _, v := range versions {
		fmt.Println(v.Number, v.File, v.Applied)
	}
	fmt.Println(err)
	// Output:
	// without a migration: true
	// 1 0001_verifications.sql true
	// 2 0002_outbox.sql true
	// 3 0003_applied.sql true
	// 4 0004_ledgers.sql true
	// 5 0005_acts.sql true
	// 6 0006_figures.sql true
	// 7 0007_shards.sql true
	// <nil>
}
