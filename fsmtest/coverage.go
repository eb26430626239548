package fsmtest

import (
	"context"
	"sync"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Coverage counts how often each edge of the transition table was taken. It is
// safe for concurrent use; make one with NewCoverage.
type Coverage struct {
	mu    sync.Mutex
	taken map[carrierfsm.Edge]int
}

// NewCoverage returns an empty Coverage.
func NewCoverage() *Coverage { return &Coverage{taken: make(map[carrierfsm.Edge]int)} }

// Watch returns the store s, whose committed transitions are counted. The result
// is an outbox.Outbox if s is one, and has no other optional interface of s.
func (c *Coverage) Watch(s carrierfsm.Store) carrierfsm.Store {
	watched := watchedStore{s, c}
	if box, ok := s.(outbox.Outbox); ok {
		return struct {
			watchedStore
			outbox.Outbox
		}{watched, box}
	}
	return watched
}

// Taken returns how often an edge was taken.
func (c *Coverage) Taken(e carrierfsm.Edge) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.taken[e]
}

// Missing returns the edges of the table that were never taken, in its order.
func (c *Coverage) Missing() []carrierfsm.Edge {
	var missing []carrierfsm.Edge
	for _, e := range carrierfsm.Edges() {
		if c.Taken(e) == 0 {
			missing = append(missing, e)
		}
	}
	return missing
}

// count counts the entries of a commit unless it failed.
func (c *Coverage) count(err error, entries []carrierfsm.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		for _, e := range entries {
			c.taken[carrierfsm.Edge{From: e.From, Event: e.Event, To: e.To}]++
		}
	}
	return err
}

type watchedStore struct {
	carrierfsm.Store
	c *Coverage
}

func (s watchedStore) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.c.count(s.Store.Commit(ctx, r, e...), e)
}

func (s watchedStore) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.c.count(s.Store.Erase(ctx, r, e...), e)
}
