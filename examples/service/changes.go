package main

import (
	"context"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

// changes notifies requests that wait for a change of a verification, if this
// process makes it. Changes by other replicas are found by polling; a host with
// many replicas would use its database (LISTEN and NOTIFY). It is safe for
// concurrent use.
type changes struct {
	mu          sync.Mutex
	subscribers map[string]map[chan struct{}]struct{}
	closed      chan struct{} // closed at shutdown
	once        sync.Once
}

func newChanges() *changes {
	return &changes{subscribers: make(map[string]map[chan struct{}]struct{}), closed: make(chan struct{})}
}

// observer notifies when a call begins, as the person has to wait from then on, and
// when a transition is committed.
func (c *changes) observer() *carrierfsm.Observer {
	return &carrierfsm.Observer{
		Call: func(ctx context.Context, call carrierfsm.CallStart) (context.Context, func(carrierfsm.CallDone)) {
			c.notify(call.ID)
			return ctx, func(carrierfsm.CallDone) {}
		},
		Transition: func(_ context.Context, m carrierfsm.TransitionDone) { c.notify(m.ID) },
	}
}

// subscribe returns a channel that receives a value when the verification changes,
// and a function to unsubscribe.
func (c *changes) subscribe(id string) (changed <-chan struct{}, unsubscribe func()) {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.subscribers[id] == nil {
		c.subscribers[id] = make(map[chan struct{}]struct{})
	}
	c.subscribers[id][ch] = struct{}{}
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if delete(c.subscribers[id], ch); len(c.subscribers[id]) == 0 {
			delete(c.subscribers, id)
		}
	}
}

// notify does not block.
func (c *changes) notify(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for b := range c.subscribers[id] {
		select {
		case b <- struct{}{}:
		default:
		}
	}
}

// close ends all present and future waits.
func (c *changes) close() { c.once.Do(func() { close(c.closed) }) }
