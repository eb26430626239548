// Package semaphore bounds how many goroutines do something at once.
package semaphore

import (
	"context"
	"errors"
)

// ErrStopped is returned by Acquire when it was told to stop waiting.
var ErrStopped = errors.New("semaphore: stopped waiting")

// Semaphore has a fixed number of slots. It is safe for concurrent use.
type Semaphore struct {
	slots chan struct{} // holds a value for each slot that is taken
}

// New returns a Semaphore with so many slots, at least one.
func New(slots int) *Semaphore { return &Semaphore{slots: make(chan struct{}, slots)} }

// Acquire waits for a slot, first come first served, until ctx ends or stop is
// closed. It returns the context's error or ErrStopped then, and no slot is taken.
func (s *Semaphore) Acquire(ctx context.Context, stop <-chan struct{}) error {
	select {
	case <-stop:
		return ErrStopped
	default:
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-stop:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TryAcquire takes a slot if one is free, and reports whether it did.
func (s *Semaphore) TryAcquire() bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// Release gives a slot back.
func (s *Semaphore) Release() { <-s.slots }

// InUse returns how many slots are taken.
func (s *Semaphore) InUse() int { return len(s.slots) }
