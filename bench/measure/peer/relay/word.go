package relay

import (
	"context"
	"errors"
	"sync"
)

// Words tell drivers that a step of theirs is durable. The zero value is ready
// for use.
type Words struct {
	mu      sync.Mutex
	waiting map[string]chan error
}

// Expect makes room for the words of one verification; forget ends that.
func (w *Words) Expect(id string) (word <-chan error, forget func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = make(map[string]chan error)
	}
	c := make(chan error, len(Inputs()))
	w.waiting[id] = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, id)
	}
}

// Tell tells that the next step of a verification is durable, or why it never
// will be. It never blocks; what is told twice is told once.
func (w *Words) Tell(id string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.waiting[id] <- err: // a nil channel is never ready
	default:
	}
}

// Wait waits for the next word.
func Wait(ctx context.Context, word <-chan error) error {
	select {
	case err := <-word:
		return err
	case <-ctx.Done():
		return errors.Join(errors.New("relay: nobody told that the step is durable"), ctx.Err())
	}
}
