// Package broadcast wakes any number of goroutines at once.
package broadcast

import "sync"

// Broadcast notifies its subscribers. The zero value is ready; it is safe for
// concurrent use.
type Broadcast struct {
	mu          sync.Mutex
	subscribers map[chan struct{}]struct{}
}

// Subscribe returns a channel that holds a value once Notify was called after
// the latest receive: several calls leave one value. The caller calls cancel
// when it stops receiving.
func (b *Broadcast) Subscribe() (notified <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subscribers == nil {
		b.subscribers = make(map[chan struct{}]struct{})
	}
	b.subscribers[c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subscribers, c)
	}
}

// Notify wakes all subscribers. It never blocks.
func (b *Broadcast) Notify() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.subscribers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
