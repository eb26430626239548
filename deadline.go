package carrierfsm

import (
	"context"
	"sync"
	"time"
)

// bounded is a context with a deadline, as context.WithDeadline makes one, but
// its timer and channel are only made once somebody waits for them: a store in
// memory never does.
type bounded struct {
	context.Context //nolint:containedctx // it is one
	deadline        time.Time

	mu    sync.Mutex
	whole context.Context //nolint:containedctx // context.WithDeadline's, once it is wanted
	stop  context.CancelFunc
	ended bool
}

// withDeadline returns a context that ends at the deadline, and earlier if it
// is ended by end, which has to be called.
func withDeadline(ctx context.Context, deadline time.Time) *bounded {
	return &bounded{Context: ctx, deadline: deadline}
}

// end is what context.CancelFunc is.
func (b *bounded) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if b.stop != nil {
		b.stop()
	}
}

// Deadline is context.Context's.
func (b *bounded) Deadline() (time.Time, bool) {
	if earlier, ok := b.Context.Deadline(); ok && earlier.Before(b.deadline) {
		return earlier, true
	}
	return b.deadline, true
}

// Done is context.Context's.
func (b *bounded) Done() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wanted().Done()
}

// Err is context.Context's.
func (b *bounded) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole == nil && !b.ended && b.Context.Err() == nil && time.Now().Before(b.deadline) {
		return nil
	}
	return b.wanted().Err()
}

// Value is context.Context's. Package context finds its own contexts by it.
func (b *bounded) Value(key any) any {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.whole != nil {
		return b.whole.Value(key)
	}
	return b.Context.Value(key)
}

// wanted is the whole context. The caller holds the lock.
func (b *bounded) wanted() context.Context {
	if b.whole == nil {
		b.whole, b.stop = context.WithDeadline(b.Context, b.deadline)
		if b.ended {
			b.stop()
		}
	}
	return b.whole
}
