package step

import (
	"context"
	"errors"
	"sync"
)

// Signals tell drivers that their step is durable. The zero value is ready.
type Signals struct {
	mu          sync.Mutex
	subscribers map[string]chan error
}

// Subscribe returns a channel for the signals of one verification.
func (w *Signals) Subscribe(id string) (signal <-chan error, unsubscribe func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subscribers == nil {
		w.subscribers = make(map[string]chan error)
	}
	c := make(chan error, len(Inputs()))
	w.subscribers[id] = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subscribers, id)
	}
}

// Notify signals that the next step of a verification is durable, or its error. It
// does not block: a signal without a subscriber is dropped.
func (w *Signals) Notify(id string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.subscribers[id] <- err: // a nil channel is never ready
	default:
	}
}

// Wait waits for the next signal.
func Wait(ctx context.Context, signal <-chan error) error {
	select {
	case err := <-signal:
		return err
	case <-ctx.Done():
		return errors.Join(errors.New("step: no signal that the step is durable"), ctx.Err())
	}
}
