package console

import (
	"context"
	"sync"
	"time"
)

// cache keeps what is expensive for a while. Of those who ask for the same at
// the same time one computes it, and the others wait. The zero value is ready;
// it is safe for concurrent use. There must be few keys: none is forgotten.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	results map[K]*result[V]
}

type result[V any] struct {
	done  chan struct{} // closed when the rest is set
	until time.Time
	value V
	err   error
}

// patience is how long a computation may take, whoever has stopped waiting.
const patience = 10 * time.Second

// get returns what compute has returned no longer ago than the given time. An
// error is not kept.
func (c *cache[K, V]) get(ctx context.Context, key K, now time.Time, keep time.Duration, compute func(context.Context) (V, error)) (V, error) {
	r, mine := c.claim(key, now)
	if !mine {
		select {
		case <-r.done:
		case <-ctx.Done():
			return r.value, ctx.Err()
		}
		return r.value, r.err
	}
	// Whoever waits must not get an error because this caller went away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	defer close(r.done)
	r.err = errComputing // should it panic
	r.value, r.err = compute(ctx)
	if r.err == nil {
		c.mu.Lock()
		r.until = now.Add(keep)
		c.mu.Unlock()
	}
	return r.value, r.err
}

// claim returns the result for a key, and whether the caller has to compute it.
func (c *cache[K, V]) claim(key K, now time.Time) (r *result[V], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r = c.results[key]
	if r != nil && (now.Before(r.until) || !r.over()) {
		return r, false
	}
	if c.results == nil {
		c.results = make(map[K]*result[V])
	}
	r = &result[V]{done: make(chan struct{})}
	c.results[key] = r
	return r, true
}

func (r *result[V]) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// known is the latest result for a key, however old, without computing any.
func (c *cache[K, V]) known(key K) (value V, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.results[key]
	if r == nil || !r.over() || r.err != nil {
		return value, false
	}
	return r.value, true
}
