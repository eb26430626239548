// Package lifetime counts the calls that are running on something that can be
// closed, so that closing it refuses later calls and waits for the running ones.
package lifetime

import (
	"context"
	"sync"
)

// Lifetime is the time from New until Close. It is safe for concurrent use.
type Lifetime struct {
	open context.Context //nolint:containedctx // ended by the first Close
	end  context.CancelFunc
	idle chan struct{} // closed when no call is running after that

	mu      sync.Mutex
	running int
	closed  bool
}

// New returns an open Lifetime.
func New() *Lifetime {
	open, end := context.WithCancel(context.Background())
	return &Lifetime{open: open, end: end, idle: make(chan struct{})}
}

// Enter counts a call and reports true, or reports false after Close was called.
// Each call that entered calls Leave once.
func (l *Lifetime) Enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.running++
	return true
}

// Hold counts one more call on behalf of one that has entered and has not left,
// also after Close was called: for a goroutine that outlives the call.
func (l *Lifetime) Hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running++
}

// Leave ends a call.
func (l *Lifetime) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.checkIdle()
}

// Closing returns a channel that is closed when Close is called. Calls that wait
// for something stop waiting then.
func (l *Lifetime) Closing() <-chan struct{} { return l.open.Done() }

// Until returns a context that ends with ctx, or when Close is called. The caller
// calls stop when it needs it no more.
func (l *Lifetime) Until(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(l.open, cancel)
	return ctx, func() {
		detach()
		cancel()
	}
}

// Closed reports whether Close was called.
func (l *Lifetime) Closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Close refuses further calls, and waits until all running ones have left or ctx
// ends. It returns the context's error in the latter case, and may be called
// again, and by several goroutines at once, to go on waiting.
func (l *Lifetime) Close(ctx context.Context) error {
	l.close()
	select {
	case <-l.idle:
		return nil
	default:
	}
	select {
	case <-l.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Lifetime) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.end()
	l.checkIdle()
}

func (l *Lifetime) checkIdle() {
	if l.closed && l.running == 0 {
		close(l.idle)
	}
}
