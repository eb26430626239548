package carrierfsm

import (
	"context"
	"sync"
)

// gate lets a bounded number of submissions in, and none after it was closed.
type gate struct {
	slots chan struct{}

	mu     sync.Mutex
	count  int
	closed chan struct{} // closed once nobody is let in any more
	empty  chan struct{} // closed once nobody is left inside, after closed
}

func newGate(size int) *gate {
	return &gate{
		slots:  make(chan struct{}, size),
		closed: make(chan struct{}),
		empty:  make(chan struct{}),
	}
}

// enter waits for a place. It returns ErrClosed or the context's error.
func (g *gate) enter(ctx context.Context) error {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-g.closed:
		return ErrClosed
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.closed:
		<-g.slots
		return ErrClosed
	default:
		g.count++
		return nil
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	<-g.slots
	g.count--
	g.settle()
}

func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

// close lets nobody in any more and waits until nobody is left.
func (g *gate) close(ctx context.Context) error {
	g.mu.Lock()
	select {
	case <-g.closed:
	default:
		close(g.closed)
		g.settle()
	}
	g.mu.Unlock()
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle closes empty when it is time to. The caller holds the lock.
func (g *gate) settle() {
	if g.count > 0 {
		return
	}
	select {
	case <-g.closed:
	default:
		return
	}
	select {
	case <-g.empty:
	default:
		close(g.empty)
	}
}
