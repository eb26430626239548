package juxinli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// flight lets callers who want the same thing share one call. The zero value
// is ready.
type flight[T any] struct {
	mu  sync.Mutex
	now *shared[T] // nil: no call is under way
}

type shared[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// do waits for the call under way, or begins one. No caller's end interrupts
// the call, for others may wait for it; limit bounds it. A caller whose own
// context ends first gets an error that matches carrierfsm.ErrNotSent: what
// the call was needed for was not sent.
func (f *flight[T]) do(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	s := f.join(context.WithoutCancel(ctx), limit, call)
	select {
	case <-s.done:
		return s.value, s.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, ctx.Err())
	}
}

func (f *flight[T]) join(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) *shared[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != nil {
		return f.now
	}
	s := &shared[T]{done: make(chan struct{})}
	f.now = s
	go func() {
		s.run(ctx, limit, call)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now = nil
		close(s.done)
	}()
	return s
}

// run makes the call. A panic, which only a function of the host's
// configuration could raise, becomes an error: nobody is there to recover it.
func (s *shared[T]) run(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			s.err = fmt.Errorf("%w: a panic, %T", ErrBroken, r)
		}
	}()
	s.value, s.err = call(ctx)
}
