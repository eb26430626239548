package sharded_test

import (
	"context"
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// Two shards, here in memory; in production each is a postgres.Store of its own. Create
// is for the first start.
func Example() {
	ctx := context.Background()
	store, err := sharded.New(ctx, sharded.Config{
		Shards: []sharded.Shard{{Name: "east", Store: memory.New()}, {Name: "west", Store: memory.New()}},
		Create: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()

	// The host's own id gets the place of the number's key.
	key := "a-keyed-hash-of-the-number"
	id := store.PlaceID("order-4711", key)
	fmt.Println(id, "is on", store.Shards()[store.ShardOf(id)].Name)

	err = store.Create(ctx, carrierfsm.Record{ID: "order-4712", Key: key, State: carrierfsm.Created, Version: 1})
	fmt.Println(err)
	// Output:
	// s3b0-order-4711 is on west
	// carrierfsm: the id and the number's key belong on different shards
}
