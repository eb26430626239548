package carrierfsm

import (
	"context"
	"slices"
	"sync"
)

// gate lets a bounded number of submissions in, and none after it was closed.
type gate struct {
	size int

	mu      sync.Mutex
	count   int         // how many are inside
	waiting []chan bool // of those outside, in the order of their coming: whether they are let in
	closed  bool
	empty   chan struct{} // closed once nobody is left inside, after closed
}

func newGate(size int) *gate {
	return &gate{size: size, empty: make(chan struct{})}
}

// enter waits for a place. It returns ErrClosed or the context's error.
func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	switch {
	case g.closed:
		g.mu.Unlock()
		return ErrClosed
	case g.count < g.size:
		g.count++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan bool, 1)
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case in := <-turn:
		if !in {
			return ErrClosed
		}
		return nil
	case <-ctx.Done():
		g.giveUp(turn)
		return ctx.Err()
	}
}

// giveUp waits no more. Whoever has been let in meanwhile leaves again.
func (g *gate) giveUp(turn chan bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, turn); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	} else if <-turn {
		g.leaveLocked()
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaveLocked()
}

func (g *gate) leaveLocked() {
	if len(g.waiting) > 0 { // it takes the place
		g.waiting[0] <- true
		g.waiting = g.waiting[1:]
		return
	}
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
	if !g.closed {
		g.closed = true
		for _, turn := range g.waiting {
			turn <- false
		}
		g.waiting = nil
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

// settle closes empty when it is time to: once, for nobody enters what is
// closed. The caller holds the lock.
func (g *gate) settle() {
	if g.closed && g.count == 0 {
		close(g.empty)
	}
}
