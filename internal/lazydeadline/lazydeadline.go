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

// With returns a context as context.WithDeadline does. While its timer has not
// started, it has also ended once the wall clock has passed the deadline, which
// it does alone while the machine is suspended.
func With(parent context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	return with(parent, deadline, time.Now)
}

func with(parent context.Context, deadline time.Time, now func() time.Time) (context.Context, context.CancelFunc) {
	c := &lazy{Context: parent, deadline: deadline, now: now}
	return c, c.cancel
}

// lazy becomes one of context.WithDeadline's when its Done is called, or when its
// Err can't be answered without.
type lazy struct {
	context.Context //nolint:containedctx // the parent of a context
	deadline        time.Time
	now             func() time.Time

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
	if c.started == nil && !c.canceled && c.Context.Err() == nil && !c.passed() {
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
		deadline := c.deadline
		if c.passed() {
			deadline = time.Time{} // by the monotonic clock it may be in the future
		}
		c.started, c.stop = context.WithDeadline(c.Context, deadline)
		if c.canceled {
			c.stop()
		}
	}
	return c.started
}

// passed reports whether the deadline has passed by either clock.
func (c *lazy) passed() bool {
	now := c.now()
	return !now.Before(c.deadline) || !now.Round(0).Before(c.deadline.Round(0))
}
