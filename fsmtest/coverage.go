package fsmtest

import (
	"context"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

// Coverage notes which edges of the transition table were driven, and tells
// which were not. It is safe for concurrent use.
type Coverage struct {
	mu     sync.Mutex
	driven map[carrierfsm.Edge]int
}

// NewCoverage returns an empty Coverage.
func NewCoverage() *Coverage { return &Coverage{driven: make(map[carrierfsm.Edge]int)} }

// Watch returns the store with a note of each transition that is committed to it.
// It is a carrierfsm.Outbox if s is one.
func (c *Coverage) Watch(s carrierfsm.Store) carrierfsm.Store {
	watched := watchedStore{s, c}
	if box, ok := s.(carrierfsm.Outbox); ok {
		return struct {
			watchedStore
			carrierfsm.Outbox
		}{watched, box}
	}
	return watched
}

// Driven is how often an edge was driven.
func (c *Coverage) Driven(e carrierfsm.Edge) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.driven[e]
}

// Missing are the edges of the table that were never driven, in its order.
func (c *Coverage) Missing() []carrierfsm.Edge {
	var missing []carrierfsm.Edge
	for _, e := range carrierfsm.Edges() {
		if c.Driven(e) == 0 {
			missing = append(missing, e)
		}
	}
	return missing
}

func (c *Coverage) note(err error, entries []carrierfsm.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		for _, e := range entries {
			c.driven[carrierfsm.Edge{From: e.From, Event: e.Event, To: e.To}]++
		}
	}
	return err
}

type watchedStore struct {
	carrierfsm.Store
	c *Coverage
}

func (s watchedStore) Commit(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.c.note(s.Store.Commit(ctx, r, e...), e)
}

func (s watchedStore) Erase(ctx context.Context, r carrierfsm.Record, e ...carrierfsm.Entry) error {
	return s.c.note(s.Store.Erase(ctx, r, e...), e)
}
