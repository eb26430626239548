package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/carrierfsm/carrierfsm"
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
		m, err := carrierfsm.New(carrierfsm.Config{Store: store, Upstream: fsmtest.NewUpstream()})
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
