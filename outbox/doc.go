// Package outbox calls a host's handlers for the transitions of its
// verifications, after they are committed.
//
// The history in the store is the outbox: no second table can disagree with it.
// A Dispatcher reads it in a settled order and keeps, for each handler, a cursor
// in the store. One replica at a time holds the lease of a cursor; the time in
// which it does is a term. A handler that fails for a verification does not
// stop the others: that verification is parked, with its own row in the store,
// and tried again with backoff.
//
//	d, err := outbox.New(machine, store, outbox.Config{
//		Handlers: map[string]outbox.Handler{"notify": notify},
//	})
//	go d.Run(ctx)
//
// A handler that is added to a store with history, or renamed, has to say in
// Config.Starts where it begins.
//
// A handler gets each transition at least once, those of one verification in
// order; (ID, Step) identifies a transition, for deduplication.
//
// outbox.go is the port that a store implements. dispatcher.go, projection.go, ready.go,
// replay.go, failure.go and observer.go are what a host uses. term.go is one period of
// holding a lease, deliver.go the delivery of one batch, call.go one call of a handler.
// parts.go divides a store into its shards.
package outbox
