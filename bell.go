package carrierfsm

import "sync"

// bells wake the loops of Run when this process has committed something. The
// zero value is ready; it is safe for concurrent use.
type bells struct {
	mu   sync.Mutex
	hung map[chan struct{}]struct{}
}

// hang returns a channel that holds a value once anybody has rung since it was
// last read, and what takes it down.
func (b *bells) hang() (bell <-chan struct{}, takeDown func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hung == nil {
		b.hung = make(map[chan struct{}]struct{})
	}
	b.hung[c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.hung, c)
	}
}

// ring never waits.
func (b *bells) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.hung {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
