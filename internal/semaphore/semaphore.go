// Package semaphore bounds how many goroutines do something at once, and can
// be closed.
package semaphore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// ErrClosed is returned by Acquire after Close was called.
var ErrClosed = errors.New("semaphore: closed")

// Semaphore has a fixed number of slots. It is safe for concurrent use.
type Semaphore struct {
	slots   chan struct{} // holds a value for each slot that is taken
	closing sync.Once
	closed  chan struct{} // Close was called
	drained atomic.Int64  // the slots that Close has taken
	idle    chan struct{} // Close has taken them all
}

// New returns a Semaphore with so many slots, at least one.
func New(slots int) *Semaphore {
	return &Semaphore{slots: make(chan struct{}, slots), closed: make(chan struct{}), idle: make(chan struct{})}
}

// Acquire waits for a slot, first come first served. It returns ErrClosed or
// the context's error, and then no slot is taken.
func (s *Semaphore) Acquire(ctx context.Context) error {
	if s.isClosed() {
		return ErrClosed
	}
	select {
	case s.slots <- struct{}{}:
	default:
		select {
		case s.slots <- struct{}{}:
		case <-s.closed:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.isClosed() { // a slot and the closing were both ready
		s.Release()
		return ErrClosed
	}
	return nil
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
func (s *Semaphore) InUse() int { return max(0, len(s.slots)-int(s.drained.Load())) }

// Close makes every Acquire return ErrClosed from now on, and waits until all
// slots have been given back or ctx ends. It returns the context's error in
// the latter case, and may be called again to go on waiting.
func (s *Semaphore) Close(ctx context.Context) error {
	s.closing.Do(func() { close(s.closed) })
	for {
		select {
		case <-s.idle:
			return nil
		case s.slots <- struct{}{}:
			if s.drained.Add(1) == int64(cap(s.slots)) {
				close(s.idle)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Semaphore) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
