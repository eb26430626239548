package carrierfsm

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// hands are goroutines that finish submissions whose callers may stop waiting.
// One that has finished waits for another submission for a moment: the stack of
// a fresh goroutine has to grow first, which costs as much as the work. They
// don't know the machine. The zero value is ready.
type hands struct {
	mu     sync.Mutex
	idle   []*hand
	least  int         // the fewest that were idle since the timer was set
	timer  *time.Timer // set while any are idle
	closed bool
}

const (
	mostIdle = 32
	idleFor  = 50 * time.Millisecond
)

// hand finishes one submission at a time.
type hand struct {
	work chan context.Context // that of a submission; closed where none will come any more
	done chan struct{}        // it is finished, and its caller waited for it
	// met tells that one of the two, the hand and the caller, is through with
	// this submission: whoever comes second knows what the other did.
	met atomic.Bool

	// What the caller gives, and what it gets: copies, so that a submission needs
	// no memory of its own.
	s   submission
	o   opened
	v   Verification
	err error
}

// finish has a submission finished. waited is false where ctx ended first; the
// submission is finished all the same.
func (h *hands) finish(ctx context.Context, s *submission, o *opened) (v Verification, err error, waited bool) {
	one := h.take()
	one.s, one.o = *s, *o
	one.work <- context.WithoutCancel(ctx)
	select {
	case <-one.done:
	case <-ctx.Done():
		if !one.met.Swap(true) {
			return v, nil, false
		}
		<-one.done // both were ready
	}
	v, err = one.v, one.err
	one.s, one.o, one.v, one.err = submission{}, opened{}, Verification{}, nil
	one.met.Store(false)
	h.give(one)
	return v, err, true
}

func (h *hand) run() {
	for ctx := range h.work {
		h.v, h.err = h.s.finish(ctx, &h.o)
		if h.met.Swap(true) {
			return // nobody waited, and nobody gives it back
		}
		h.done <- struct{}{}
	}
}

func (h *hands) take() *hand {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := len(h.idle) - 1; last >= 0 {
		one := h.idle[last]
		h.idle[last] = nil
		h.idle = h.idle[:last]
		h.least = min(h.least, last)
		return one
	}
	one := &hand{work: make(chan context.Context, 1), done: make(chan struct{}, 1)}
	go one.run()
	return one
}

func (h *hands) give(one *hand) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.idle) == mostIdle {
		close(one.work)
		return
	}
	h.idle = append(h.idle, one)
	if h.timer == nil {
		h.timer = time.AfterFunc(idleFor, h.dismiss)
	}
}

// dismiss lets those go that nobody has needed for a while.
func (h *hands) dismiss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.idle[:h.least] {
		close(one.work)
	}
	h.idle = append(h.idle[:0], h.idle[h.least:]...)
	clear(h.idle[len(h.idle):cap(h.idle)])
	h.least = len(h.idle)
	h.timer = nil
	if h.least > 0 {
		h.timer = time.AfterFunc(idleFor, h.dismiss)
	}
}

// close lets all go, and those that are busy once they are not.
func (h *hands) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed, h.least = true, 0
	for _, one := range h.idle {
		close(one.work)
	}
	h.idle = nil
	if h.timer != nil {
		h.timer.Stop()
	}
}
