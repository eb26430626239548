package juxinli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/sendonce"
)

// flight makes concurrent callers share one call. The zero value is ready.
type flight[T any] struct {
	mu      sync.Mutex
	current *sharedCall[T] // nil if no call is running
}

type sharedCall[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// do waits for the running call, or starts one, bounded by limit. The end of a
// caller's context does not end the call, as others may wait for it. That caller
// gets an error matching carrierfsm.ErrNotSent: it needed the result for a
// request, which was not sent.
func (f *flight[T]) do(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, err)
	}
	s := f.start(context.WithoutCancel(ctx), limit, call)
	select {
	case <-s.done:
		return s.value, s.err
	case <-ctx.Done():
		return none, fmt.Errorf("%w: %w", carrierfsm.ErrNotSent, ctx.Err())
	}
}

func (f *flight[T]) start(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) *sharedCall[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current != nil {
		return f.current
	}
	s := &sharedCall[T]{done: make(chan struct{})}
	f.current = s
	go func() {
		s.run(ctx, limit, call)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.current = nil
		close(s.done)
	}()
	return s
}

// run makes the call. It turns a panic, which a function of the configuration
// could raise, into an error: on this goroutine no caller can recover it.
func (s *sharedCall[T]) run(ctx context.Context, limit time.Duration, call func(context.Context) (T, error)) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			s.err = fmt.Errorf("%w: a panic, %T", sendonce.ErrBroken, r)
		}
	}()
	s.value, s.err = call(ctx)
}
