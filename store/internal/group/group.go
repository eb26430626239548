// Package group lets concurrent writers share a write. A writer who is alone
// goes at once and alone; while writes are under way, others wait, and once
// enough of them do, the next write takes them all.
//
// Each item gets a verdict of its own, and one caller's cancelled context
// leaves the others alone.
package group

import (
	"context"
	"sync"
)

// Config is how a Queue works.
type Config[T any] struct {
	// Write writes the items and returns one error for each, in their order.
	// It is called by a goroutine of the queue, so it must bound itself. A
	// single item comes with its caller's context, without its cancellation;
	// several come with one that holds nothing.
	Write func(ctx context.Context, items []T) []error
	// Names are what an item must have for itself: two items that share a name
	// never are in one write, nor in two at the same time.
	Names func(item T) []string
	// Flights is how many writes may be under way at once. Defaults to 1.
	Flights int
	// Least is how many must be waiting for a write to take more than one of
	// them. Defaults to 2.
	Least int
	// Most is how many a write takes at most. Defaults to 256.
	Most int
	// Size, where set, is how large an item is, in any unit, and Full the size
	// that a write of several has at most.
	Size func(item T) int
	Full int
}

// Queue is where writers wait. It is safe for concurrent use.
type Queue[T any] struct {
	cfg Config[T]

	mu      sync.Mutex
	waiting []*ticket[T] // in the order of their coming
	flights int
	taken   map[string]bool // names under way
	idle    sync.WaitGroup  // the goroutines
}

// ticket is one item on its way.
type ticket[T any] struct {
	item    T
	ctx     context.Context //nolint:containedctx // its caller's, for as long as the call
	names   []string
	verdict chan error // holds one
}

// New returns a queue on which nobody waits.
func New[T any](cfg Config[T]) *Queue[T] {
	cfg.Flights = max(cfg.Flights, 1)
	cfg.Least = max(cfg.Least, 2)
	if cfg.Most <= 0 {
		cfg.Most = 256
	}
	return &Queue[T]{cfg: cfg, taken: make(map[string]bool)}
}

// Do has the item written and returns its verdict. When ctx ends first it
// returns ctx's error: an item that no write has taken yet will not be written;
// one that is under way may be, and is looked at until then, so the item must
// not be changed afterwards.
func (q *Queue[T]) Do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &ticket[T]{item: item, ctx: ctx, names: q.cfg.Names(item), verdict: make(chan error, 1)}
	q.mu.Lock()
	q.waiting = append(q.waiting, t)
	q.start()
	q.mu.Unlock()
	select {
	case err := <-t.verdict:
		return err
	case <-ctx.Done():
		q.leave(t)
		return ctx.Err()
	}
}

// Wait waits until no write is under way.
func (q *Queue[T]) Wait() { q.idle.Wait() }

// leave takes back a ticket that no write has taken.
func (q *Queue[T]) leave(t *ticket[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, other := range q.waiting {
		if other == t {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return
		}
	}
}

// start begins writes while there is room for one and somebody can go.
func (q *Queue[T]) start() {
	for q.flights < q.cfg.Flights {
		batch := q.take()
		if len(batch) == 0 {
			return
		}
		q.flights++
		q.idle.Add(1)
		go q.fly(batch)
	}
}

// fly writes, and goes on with who has come meanwhile.
func (q *Queue[T]) fly(batch []*ticket[T]) {
	defer q.idle.Done()
	for len(batch) > 0 {
		q.write(batch)
		q.mu.Lock()
		for _, t := range batch {
			for _, name := range t.names {
				delete(q.taken, name)
			}
		}
		if batch = q.take(); len(batch) == 0 {
			q.flights--
		} else {
			q.start() // what has become free may let others go too
		}
		q.mu.Unlock()
	}
}

// take chooses who goes next: those whose names are free, one of them while
// few are waiting.
func (q *Queue[T]) take() (batch []*ticket[T]) {
	most, size := 1, 0
	if len(q.waiting) >= q.cfg.Least {
		most = q.cfg.Most
	}
	rest := q.waiting[:0]
	for _, t := range q.waiting {
		if len(batch) < most && (len(batch) == 0 || size+q.size(t) <= q.cfg.Full) && q.claim(t) {
			batch = append(batch, t)
			size += q.size(t)
		} else {
			rest = append(rest, t)
		}
	}
	clear(q.waiting[len(rest):])
	q.waiting = rest
	return batch
}

func (q *Queue[T]) size(t *ticket[T]) int {
	if q.cfg.Size == nil {
		return 0
	}
	return q.cfg.Size(t.item)
}

// claim takes the names of a ticket, unless one of them is taken.
func (q *Queue[T]) claim(t *ticket[T]) bool {
	for _, name := range t.names {
		if q.taken[name] {
			return false
		}
	}
	for _, name := range t.names {
		q.taken[name] = true
	}
	return true
}

func (q *Queue[T]) write(batch []*ticket[T]) {
	ctx := context.Background()
	if len(batch) == 1 {
		ctx = context.WithoutCancel(batch[0].ctx)
	}
	items := make([]T, len(batch))
	for i, t := range batch {
		items[i] = t.item
	}
	for i, err := range q.cfg.Write(ctx, items) {
		batch[i].verdict <- err
	}
}
