// Package group lets concurrent writers share a write. A few go at once, side by
// side, each by himself. While there are more, it is crowded: one write at a
// time takes all who wait.
//
// Each item gets a verdict of its own, and one caller's cancelled context
// leaves the others alone.
package group

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Config is how a Queue works.
type Config[T any] struct {
	// One writes a single item. Its caller does, with the caller's context; or,
	// where it is crowded, a goroutine of the queue, as it does with several.
	One func(ctx context.Context, item T) error
	// Write writes several and returns one error for each, in their order. A
	// goroutine of the queue does, with a context that never ends, so Write must
	// bound itself.
	Write func(ctx context.Context, items []T) []error
	// Claim, where set, is what an item must have for itself.
	Claim func(item T) Claim
	// Keep, where set, returns an item that is its own: one that has to wait may
	// be written when its caller has stopped waiting.
	Keep func(item T) T
	// Flights is how many writes may be under way at once, and how many callers
	// there may be for it not to be crowded. Defaults to 1.
	Flights int
	// Patience is how long others gather while a goroutine of the queue writes,
	// unless they are Most before that; it should be longer than such a write
	// takes mostly. Zero means no time.
	Patience time.Duration
	// Most is how many a write takes at most. Defaults to 256.
	Most int
	// Size, where set, is how large an item is, in any unit, and Full the size
	// that a write of several has at most.
	Size func(item T) int
	Full int
}

// Claim is what two items that are in one write, or in two at the same time,
// don't share. What is empty is claimed by nobody.
type Claim struct{ ID, Key string }

// Queue is where writers wait. It is safe for concurrent use.
type Queue[T any] struct {
	cfg Config[T]

	mu      sync.Mutex
	waiting []*ticket[T] // in the order of their coming
	present int          // callers, those whose write is under way among them
	calm    int          // writes that have departed since there were more callers than flights
	flights int
	awaited int             // writes of the queue's goroutines that the others still gather behind
	ids     map[string]bool // claimed by what is under way
	keys    map[string]bool
	groups  sync.WaitGroup
}

// ticket is one item on its way.
type ticket[T any] struct {
	item  T
	claim Claim
	word  chan word // holds the one that it gets
	going bool      // whether its turn has come
}

// word is what a waiting caller is told: to write himself, or the verdict.
type word struct {
	go_     bool
	verdict error
}

// New returns a queue on which nobody waits.
func New[T any](cfg Config[T]) *Queue[T] {
	cfg.Flights = max(cfg.Flights, 1)
	if cfg.Most <= 0 {
		cfg.Most = 256
	}
	if cfg.Claim == nil {
		cfg.Claim = func(T) Claim { return Claim{} }
	}
	return &Queue[T]{cfg: cfg, calm: calmAfter, ids: make(map[string]bool), keys: make(map[string]bool)}
}

// Do has the item written and returns its verdict. When ctx ends while the item
// waits it returns ctx's error, and the item will not be written. When ctx ends
// while it is written together with others it returns ctx's error too: it may
// be written, and is looked at until then, so it must not be changed any more;
// what Keep has made its own may be.
func (q *Queue[T]) Do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	claim := q.cfg.Claim(item)
	defer q.gone()
	if q.alone(claim) {
		defer q.land(claim)
		return q.cfg.One(ctx, item)
	}
	if q.cfg.Keep != nil {
		item = q.cfg.Keep(item)
	}
	t := &ticket[T]{item: item, claim: claim, word: make(chan word, 1)}
	q.mu.Lock()
	q.waiting = append(q.waiting, t)
	q.next()
	q.mu.Unlock()
	select {
	case w := <-t.word:
		return q.heed(ctx, t, w)
	default:
	}
	select {
	case w := <-t.word:
		return q.heed(ctx, t, w)
	case <-ctx.Done():
		return q.leave(ctx, t)
	}
}

// alone lets an item go at once if it is not crowded and nobody waits before it.
func (q *Queue[T]) alone(c Claim) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.present++; q.present > q.cfg.Flights {
		q.calm = 0
	}
	free := len(q.waiting) == 0 && !q.crowded() && q.room() && q.claim(c)
	if free {
		q.flights++
		q.calm++
	}
	return free
}

func (q *Queue[T]) gone() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.present--
}

// calmAfter is how many writes it stays crowded for after there were too many
// callers. Right behind a shared write most of them are elsewhere for a moment:
// those who come back meanwhile should gather, not go alone.
const calmAfter = 16

// crowded tells whether there are, or just were, more callers than may go side
// by side. Where only one goes at a time that makes no difference.
func (q *Queue[T]) crowded() bool { return q.cfg.Flights > 1 && q.calm < calmAfter }

// room tells whether a write may begin.
func (q *Queue[T]) room() bool {
	return q.flights < q.cfg.Flights && (q.awaited == 0 || len(q.waiting) >= q.cfg.Most)
}

// Waiting is how many items wait for their turn.
func (q *Queue[T]) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Idle tells whether nothing is written and nobody waits, at this moment.
func (q *Queue[T]) Idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.flights == 0 && len(q.waiting) == 0
}

// Wait waits until no goroutine of the queue writes.
func (q *Queue[T]) Wait() { q.groups.Wait() }

// heed does what the ticket was told.
func (q *Queue[T]) heed(ctx context.Context, t *ticket[T], w word) error {
	if !w.go_ {
		return w.verdict
	}
	defer q.land(t.claim)
	return q.cfg.One(ctx, t.item)
}

// leave gives up the ticket's place, or the turn that has come just now.
func (q *Queue[T]) leave(ctx context.Context, t *ticket[T]) error {
	q.mu.Lock()
	if !t.going {
		i := slices.Index(q.waiting, t)
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	q.mu.Unlock()
	select {
	case w := <-t.word:
		if !w.go_ {
			return w.verdict
		}
		q.land(t.claim)
	default:
	}
	return ctx.Err()
}

// land ends the write of one, and lets others go.
func (q *Queue[T]) land(c Claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release(c)
	q.flights--
	q.next()
}

// next begins writes while there is room for one and somebody can go.
func (q *Queue[T]) next() {
	for {
		batch := q.depart()
		if len(batch) == 0 {
			return
		}
		q.groups.Go(func() { q.fly(batch) })
	}
}

// depart sends off single items while there is room, each by its caller, and
// returns the first that a goroutine of the queue has to write: several, or
// whoever waits where it is crowded.
func (q *Queue[T]) depart() (batch []*ticket[T]) {
	for q.room() {
		batch = q.take()
		if len(batch) == 0 {
			return nil
		}
		q.flights++
		shared := len(batch) > 1 || q.crowded()
		q.calm++
		if shared {
			if q.cfg.Patience > 0 {
				q.awaited++
			}
			return batch
		}
		batch[0].word <- word{go_: true}
	}
	return nil
}

// take chooses who goes next: those whose claims are free.
func (q *Queue[T]) take() (batch []*ticket[T]) {
	size := 0
	rest := q.waiting[:0]
	for _, t := range q.waiting {
		fits := len(batch) == 0 || len(batch) < q.cfg.Most && size+q.size(t) <= q.cfg.Full
		if fits && q.claim(t.claim) {
			t.going = true
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

// claim takes what is claimed, unless some of it is taken.
func (q *Queue[T]) claim(c Claim) bool {
	if q.ids[c.ID] || q.keys[c.Key] {
		return false
	}
	if c.ID != "" {
		q.ids[c.ID] = true
	}
	if c.Key != "" {
		q.keys[c.Key] = true
	}
	return true
}

func (q *Queue[T]) release(c Claim) {
	delete(q.ids, c.ID)
	delete(q.keys, c.Key)
}

// fly writes several, and goes on with those that have come meanwhile.
func (q *Queue[T]) fly(batch []*ticket[T]) {
	for len(batch) > 0 {
		batch = q.write(batch)
	}
}

// write writes the batch and returns the next.
func (q *Queue[T]) write(batch []*ticket[T]) []*ticket[T] {
	stopWaiting := q.wait()
	for i, err := range q.verdicts(batch) {
		batch[i].word <- word{verdict: err}
	}
	stopWaiting()
	runtime.Gosched() // who was answered just now may be back in time for the next
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range batch {
		q.release(t.claim)
	}
	q.flights--
	batch = q.depart()
	q.next()
	return batch
}

func (q *Queue[T]) verdicts(batch []*ticket[T]) []error {
	if len(batch) == 1 {
		return []error{q.cfg.One(context.Background(), batch[0].item)}
	}
	items := make([]T, len(batch))
	for i, t := range batch {
		items[i] = t.item
	}
	return q.cfg.Write(context.Background(), items)
}

// wait ends the others' waiting for a write when it is called for,
// or when they lose patience.
func (q *Queue[T]) wait() (stop func()) {
	if q.cfg.Patience <= 0 {
		return func() {}
	}
	unawaited := sync.OnceFunc(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.awaited--
		q.next()
	})
	impatient := time.AfterFunc(q.cfg.Patience, unawaited)
	return func() {
		impatient.Stop()
		unawaited()
	}
}
