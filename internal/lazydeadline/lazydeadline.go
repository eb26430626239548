// Package lazydeadline has a context with a deadline whose timer starts when
// somebody waits for it.
//
// A call that ends before anybody waits on its context, of a fake or of a store
// in memory, needs no timer. Starting one in a goroutine that has just begun
// wakes an idle thread, which costs as much as the rest of a submission in
// memory: see BenchmarkSubmitAgainstBareLooplab.
package lazydeadline

import (
	"context"
	"sync"
	"time"
)

// With returns a context as context.WithDeadline does.
func With(parent context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	c := &lazy{Context: parent, deadline: deadline}
	return c, c.cancel
}

// lazy becomes one of context.WithDeadline's when its Done is called, or when its
// Err can't be answered without.
type lazy struct {
	context.Context //nolint:containedctx // the parent of a context
	deadline        time.Time

	mu       sync.Mutex
	started  context.Context    //nolint:containedctx // of context.WithDeadline, once it is needed
	stop     context.CancelFunc // of started
	canceled bool
}

func (c *lazy) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.canceled = true
	if c.stop != nil {
		c.stop()
	}
}

// Deadline is context.Context's.
func (c *lazy) Deadline() (time.Time, bool) {
	if earlier, ok := c.Context.Deadline(); ok && earlier.Before(c.deadline) {
		return earlier, true
	}
	return c.deadline, true
}

// Done is context.Context's.
func (c *lazy) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start().Done()
}

// Err is context.Context's.
func (c *lazy) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started == nil && !c.canceled && c.Context.Err() == nil && time.Now().Before(c.deadline) {
		return nil
	}
	return c.start().Err()
}

// Value is context.Context's. Package context finds its own contexts by it, so
// that children of this one need no goroutines.
func (c *lazy) Value(key any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started != nil {
		return c.started.Value(key)
	}
	return c.Context.Value(key)
}

// start returns context.WithDeadline's context. The caller holds the lock.
func (c *lazy) start() context.Context {
	if c.started == nil {
		c.started, c.stop = context.WithDeadline(c.Context, c.deadline)
		if c.canceled {
			c.stop()
		}
	}
	return c.started
}
