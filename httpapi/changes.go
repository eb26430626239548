package httpapi

import (
	"context"
	"sync"

	"github.com/carrierfsm/carrierfsm"
)

// Changes wakes the requests that wait for a change of a verification, when this
// process makes it: give its Observer to the Machine and itself to Config.Changes.
// Changes by other replicas are found by polling, within a second. It is safe for
// concurrent use.
type Changes struct {
	mu          sync.Mutex
	subscribers map[string]map[chan struct{}]struct{}
	closed      chan struct{}
	once        sync.Once
}

// NewChanges returns a Changes.
func NewChanges() *Changes {
	return &Changes{subscribers: make(map[string]map[chan struct{}]struct{}), closed: make(chan struct{})}
}

// Observer notifies when a call begins, as the person has to wait from then on, and
// when a transition is committed.
func (c *Changes) Observer() *carrierfsm.Observer {
	return &carrierfsm.Observer{
		Call: func(ctx context.Context, call carrierfsm.CallStart) (context.Context, func(carrierfsm.CallDone)) {
			c.notify(call.ID)
			return ctx, func(carrierfsm.CallDone) {}
		},
		Transition: func(_ context.Context, t carrierfsm.TransitionDone) { c.notify(t.ID) },
	}
}

// Close ends all present and future waits. Call it before the shutdown of the HTTP
// server, which would wait for them.
func (c *Changes) Close() { c.once.Do(func() { close(c.closed) }) }

// subscribe returns a channel that receives a value when the verification changes,
// and a function to unsubscribe.
func (c *Changes) subscribe(id string) (changed <-chan struct{}, unsubscribe func()) {
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
func (c *Changes) notify(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.subscribers[id] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
