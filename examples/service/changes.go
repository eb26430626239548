package main

import (
	"context"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

// changes wakes the requests that wait for a change of a verification, when
// this process has made one. What other replicas do is found by looking from
// time to time; a host with many of them lets its database tell (LISTEN and
// NOTIFY). It is safe for concurrent use.
type changes struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
	over    chan struct{} // closed when the program ends
	end     sync.Once
}

func newChanges() *changes {
	return &changes{waiting: make(map[string]map[chan struct{}]struct{}), over: make(chan struct{})}
}

// observer rings for what the machine does: a call that begins, since the
// person has to wait from then on, and what was committed.
func (c *changes) observer() *carrierfsm.Observer {
	return &carrierfsm.Observer{
		Call: func(ctx context.Context, call carrierfsm.Calling) (context.Context, func(carrierfsm.Called)) {
			c.ring(call.ID)
			return ctx, func(carrierfsm.Called) {}
		},
		Transition: func(_ context.Context, m carrierfsm.Moved) { c.ring(m.ID) },
	}
}

// hang returns a channel that holds a value once the id has changed, and what
// takes it down.
func (c *changes) hang(id string) (bell <-chan struct{}, takeDown func()) {
	b := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[id] == nil {
		c.waiting[id] = make(map[chan struct{}]struct{})
	}
	c.waiting[id][b] = struct{}{}
	return b, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if delete(c.waiting[id], b); len(c.waiting[id]) == 0 {
			delete(c.waiting, id)
		}
	}
}

// ring never waits.
func (c *changes) ring(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for b := range c.waiting[id] {
		select {
		case b <- struct{}{}:
		default:
		}
	}
}

// close ends all waiting, now and later.
func (c *changes) close() { c.end.Do(func() { close(c.over) }) }
