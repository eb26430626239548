package batch

import (
	"context"
	"slices"
	"sync"
	"time"
)

// start starts as many writes as it may.
func (q *Queue[T]) start() {
	for {
		f := q.startNext()
		if f == nil {
			return
		}
		q.flushers.Go(func() { q.flushAll(f) })
	}
}

// flush is a write by a goroutine of the queue.
type flush[T any] struct {
	batch []*request[T]
	begun time.Time
	wait  time.Duration // how long queued items wait for it
}

// startNext starts single writes, each in its caller's goroutine, until a
// goroutine of the queue has to write: it returns the flush for that one. In a
// contended queue that may be a batch of one item.
func (q *Queue[T]) startNext() *flush[T] {
	for q.mayStart() {
		batch := q.nextBatch()
		if len(batch) == 0 {
			return nil
		}
		q.running++
		flushed := len(batch) > 1 || q.contended()
		q.startsSinceContention++
		if flushed {
			return q.begin(batch)
		}
		batch[0].reply <- reply{writeNow: true}
	}
	return nil
}

// begin returns a flush of a batch that begins now.
func (q *Queue[T]) begin(batch []*request[T]) *flush[T] {
	f := &flush[T]{batch: batch, begun: time.Now(), wait: q.wait()}
	if f.wait > 0 {
		q.awaited++
	}
	return f
}

// wait returns how long queued items wait for a flush. Flushes beside each other begin
// one after the other, so that each has some items.
func (q *Queue[T]) wait() time.Duration {
	least, took := q.cfg.MinWait, q.pace.took
	if q.pace.beside {
		return min(least, took/time.Duration(q.cfg.Concurrency))
	}
	return max(least, min(4*took, q.cfg.MaxWait))
}

// count counts a flush that has ended with these errors. One that wrote nothing says
// nothing of the pace.
func (q *Queue[T]) count(f *flush[T], errs []error) {
	if !slices.Contains(errs, nil) {
		return
	}
	now, waited := time.Now(), time.Duration(0)
	for _, r := range f.batch {
		waited += now.Sub(r.queued)
	}
	q.pace.ended(now.Sub(f.begun), len(f.batch), waited)
}

// flushAll runs the flush, and then one for what has been queued meanwhile.
func (q *Queue[T]) flushAll(f *flush[T]) {
	for f != nil {
		f = q.flush(f)
	}
}

// flush writes the batch, answers its callers and returns the next flush.
func (q *Queue[T]) flush(f *flush[T]) (next *flush[T]) {
	endAwait := q.await(f)
	errs := q.write(f.batch)
	for i, err := range errs {
		f.batch[i].reply <- reply{err: err}
	}
	endAwait()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range f.batch {
		q.unlock(r.locks)
	}
	q.running--
	q.count(f, errs)
	next = q.startNext()
	q.start()
	return next
}

func (q *Queue[T]) write(batch []*request[T]) []error {
	if len(batch) == 1 {
		return []error{q.cfg.WriteOne(context.Background(), batch[0].item)}
	}
	items := make([]T, len(batch))
	for i, r := range batch {
		items[i] = r.item
	}
	return q.cfg.WriteBatch(context.Background(), items)
}

// await makes queued items wait for the flush that startNext has counted, until
// end is called or its wait has passed.
func (q *Queue[T]) await(f *flush[T]) (end func()) {
	if f.wait <= 0 {
		return func() {}
	}
	stop := sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.awaited--
		q.start()
	})
	timer := time.AfterFunc(f.wait, stop)
	return func() {
		timer.Stop()
		stop()
	}
}
