// Package batch groups concurrent writes. Up to Config.Concurrency callers
// write at the same time, each only its own item. While there are more callers,
// the queue is contended: one flush at a time writes all items that are queued.
//
// Each item gets its own error. A caller whose context ends does not affect the
// others.
package batch

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Config configures a Queue.
type Config[T any] struct {
	// WriteOne writes a single item. The caller's goroutine runs it with the
	// caller's context, unless the queue is contended: then a goroutine of the
	// queue runs it, with a context that never ends.
	WriteOne func(ctx context.Context, item T) error
	// WriteBatch writes several items and returns one error for each, in the
	// order of the items. A goroutine of the queue runs it with a context that
	// never ends, so it must limit its own time.
	WriteBatch func(ctx context.Context, items []T) []error
	// Locks returns what the item locks while it is written. Nil: no item locks
	// anything.
	Locks func(item T) Locks
	// Clone returns a copy that shares no memory with the item. It is called for
	// each item that is queued, because such an item may be written after its
	// caller has returned. Nil: items are not copied.
	Clone func(item T) T
	// Concurrency is the maximum number of writes at the same time. The queue is
	// contended while there are more callers than that. Defaults to 1.
	Concurrency int
	// MinWait and MaxWait limit how long queued items wait for a running flush, so that
	// the next one writes them together; after that another write may start beside it.
	// They wait for four times as long as flushes take. Where items are written sooner
	// by flushes beside each other, they wait for a part of that time, MinWait at most.
	// MaxItems queued items don't wait. Zero: no waiting. MaxWait defaults to MinWait.
	MinWait, MaxWait time.Duration
	// MaxItems is the maximum number of items of a batch. Defaults to 256.
	MaxItems int
	// Size returns the size of an item in any unit, and MaxSize is the maximum
	// size of a batch of several items. Nil: size does not matter.
	Size    func(item T) int
	MaxSize int
}

// Locks are the names that an item locks. Two items that lock the same ID, the same
// Key or the same Ledger are neither in one batch nor written at the same time. An
// empty name locks nothing.
type Locks struct{ ID, Key, Ledger string }

// Queue runs writes and batches those that have to wait. It is safe for
// concurrent use.
type Queue[T any] struct {
	cfg Config[T]

	mu                    sync.Mutex
	queued                []*request[T] // oldest first
	callers               int           // goroutines in Do
	running               int           // writes
	awaited               int           // running flushes that queued items still wait for
	pace                  pace          // how long queued items wait for a flush
	startsSinceContention int           // writes started since callers last exceeded Concurrency
	lockedIDs             map[string]bool
	lockedKeys            map[string]bool
	lockedLedgers         map[string]bool
	flushers              sync.WaitGroup
}

// request is a queued item.
type request[T any] struct {
	item    T
	locks   Locks
	queued  time.Time
	started bool       // no longer in Queue.queued
	reply   chan reply // receives one reply; has room for it
}

// reply tells a queued caller either to write its item itself or how the write
// ended.
type reply struct {
	writeNow bool
	err      error
}

// New returns an empty queue.
func New[T any](cfg Config[T]) *Queue[T] {
	cfg.Concurrency = max(cfg.Concurrency, 1)
	if cfg.MaxItems <= 0 {
		cfg.MaxItems = 256
	}
	if cfg.Locks == nil {
		cfg.Locks = func(T) Locks { return Locks{} }
	}
	return &Queue[T]{
		cfg: cfg, startsSinceContention: contentionLasts,
		lockedIDs: make(map[string]bool), lockedKeys: make(map[string]bool), lockedLedgers: make(map[string]bool),
	}
}

// Do writes the item and returns its error. If ctx ends while the item is
// queued, Do returns ctx's error and the item is not written. If ctx ends while
// a batch with the item is written, Do returns ctx's error too, but the item may
// be written. The queue may read it until then: without Config.Clone the caller
// must not change it any more.
func (q *Queue[T]) Do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	locks := q.cfg.Locks(item)
	defer q.leave()
	if q.startNow(locks) {
		defer q.finish(locks)
		return q.cfg.WriteOne(ctx, item)
	}
	if q.cfg.Clone != nil {
		item = q.cfg.Clone(item)
	}
	r := &request[T]{item: item, locks: locks, queued: time.Now(), reply: make(chan reply, 1)}
	q.mu.Lock()
	q.queued = append(q.queued, r)
	q.start()
	q.mu.Unlock()
	select {
	case a := <-r.reply: // even if ctx has ended too
		return q.follow(ctx, r, a)
	default:
	}
	select {
	case a := <-r.reply:
		return q.follow(ctx, r, a)
	case <-ctx.Done():
		return q.cancel(ctx, r)
	}
}

// startNow counts the caller and returns whether it may write without being
// queued. If so, its names are locked.
func (q *Queue[T]) startNow(l Locks) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.callers++; q.callers > q.cfg.Concurrency {
		q.startsSinceContention = 0
	}
	ok := len(q.queued) == 0 && !q.contended() && q.mayStart() && q.lock(l)
	if ok {
		q.running++
		q.startsSinceContention++
	}
	return ok
}

func (q *Queue[T]) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.callers--
}

// contentionLasts is for how many writes the queue stays contended after there
// were too many callers. When a batch has been written, its callers return
// together and most of them call again a moment later; those calls should be
// batched too.
const contentionLasts = 16

// contended returns whether there are, or were a moment ago, more callers than
// Concurrency. With a Concurrency of 1 it makes no difference.
func (q *Queue[T]) contended() bool {
	return q.cfg.Concurrency > 1 && q.startsSinceContention < contentionLasts
}

// mayStart returns whether another write may start.
func (q *Queue[T]) mayStart() bool {
	return q.running < q.cfg.Concurrency && (q.awaited == 0 || len(q.queued) >= q.cfg.MaxItems)
}

// Queued returns the number of items that wait to be written.
func (q *Queue[T]) Queued() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queued)
}

// Idle returns whether no write is running and no item is queued.
func (q *Queue[T]) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running == 0 && len(q.queued) == 0
}

// Wait waits until no goroutine of the queue is running.
func (q *Queue[T]) Wait() { q.flushers.Wait() }

// follow does what the reply says.
func (q *Queue[T]) follow(ctx context.Context, r *request[T], a reply) error {
	if !a.writeNow {
		return a.err
	}
	defer q.finish(r.locks)
	return q.cfg.WriteOne(ctx, r.item)
}

// cancel takes the request out of the queue. If its write has started or ended
// at the same moment, cancel ends that or returns its result.
func (q *Queue[T]) cancel(ctx context.Context, r *request[T]) error {
	q.mu.Lock()
	if !r.started {
		i := slices.Index(q.queued, r)
		q.queued = slices.Delete(q.queued, i, i+1)
	}
	q.mu.Unlock()
	select {
	case a := <-r.reply:
		if !a.writeNow {
			return a.err
		}
		q.finish(r.locks)
	default:
	}
	return ctx.Err()
}

// finish ends the write of a single item and starts others.
func (q *Queue[T]) finish(l Locks) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unlock(l)
	q.running--
	q.start()
}

// nextBatch takes the items out of the queue that can be written together now,
// and locks their names.
func (q *Queue[T]) nextBatch() (batch []*request[T]) {
	size := 0
	rest := q.queued[:0]
	for _, r := range q.queued {
		fits := len(batch) == 0 || len(batch) < q.cfg.MaxItems && size+q.size(r) <= q.cfg.MaxSize
		if fits && q.lock(r.locks) {
			r.started = true
			batch = append(batch, r)
			size += q.size(r)
		} else {
			rest = append(rest, r)
		}
	}
	clear(q.queued[len(rest):])
	q.queued = rest
	return batch
}

func (q *Queue[T]) size(r *request[T]) int {
	if q.cfg.Size == nil {
		return 0
	}
	return q.cfg.Size(r.item)
}

// lock locks all names, or none if one of them is locked.
func (q *Queue[T]) lock(l Locks) bool {
	if q.lockedIDs[l.ID] || q.lockedKeys[l.Key] || q.lockedLedgers[l.Ledger] {
		return false
	}
	if l.ID != "" {
		q.lockedIDs[l.ID] = true
	}
	if l.Key != "" {
		q.lockedKeys[l.Key] = true
	}
	if l.Ledger != "" {
		q.lockedLedgers[l.Ledger] = true
	}
	return true
}

func (q *Queue[T]) unlock(l Locks) {
	delete(q.lockedIDs, l.ID)
	delete(q.lockedKeys, l.Key)
	delete(q.lockedLedgers, l.Ledger)
}
