package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// The tables are made before the service starts, which then leaves them as they are.
func ExampleMigrate() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx, path := context.Background(), filepath.Join(folder, "verifications.db")

	_, err = sqlite.Open(ctx, path, sqlite.WithoutMigrate())
	fmt.Println("without a migration:", err != nil)
	if err := sqlite.Migrate(ctx, path); err != nil {
		log.Fatal(err)
	}
	s, err := sqlite.Open(ctx, path, sqlite.WithoutMigrate())
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	versions, err := sqlite.Versions(ctx, path)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range versions {
		fmt.Println(v.Number, v.File, v.Applied)
	}
	// Output:
	// without a migration: true
	// 1 0001_verifications.sql true
	// 2 0002_outbox.sql true
	// 3 0003_applied.sql true
}
