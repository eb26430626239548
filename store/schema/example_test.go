package schema_test

import (
	"errors"
	"fmt"

	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// The migrations of a store, for a program of the host's own that applies them.
func ExampleRead() {
	list, err := schema.Read(sqlite.Migrations)
	if err != nil {
		panic(err)
	}
	fmt.Println(list[0].Version, list[0].File)

	missing, _ := list.Missing([]schema.Row{{Version: 1, Least: 1}})
	fmt.Println(missing[0].File, errors.Is(list.Older(missing, "sqlite.Migrate"), schema.ErrOlder))
	// Output:
	// 1 0001_verifications.sql
	// 0002_outbox.sql true
}
