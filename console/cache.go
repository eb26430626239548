package console

import (
	"context"
	"sync"
	"time"
)

// cache keeps expensive results for a time. Concurrent callers for one key share
// one computation. The zero value is ready; it is safe for concurrent use. Keys
// are never evicted, so there must be few.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	results map[K]*result[V]
}

type result[V any] struct {
	done    chan struct{} // closed when value and err are set
	expires time.Time
	value   V
	err     error
}

// get returns the cached result for a key, or computes it and caches it for the
// duration keep. An error is not cached.
func (c *cache[K, V]) get(ctx context.Context, key K, now time.Time, keep time.Duration, compute func(context.Context) (V, error)) (V, error) {
	r, mine := c.lookup(key, now)
	if !mine {
		select {
		case <-r.done:
		case <-ctx.Done():
			return r.value, ctx.Err()
		}
		return r.value, r.err
	}
	// Without the cancellation of ctx: other callers wait for the result.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	defer close(r.done)
	r.err = errComputing // stays if compute panics
	r.value, r.err = compute(ctx)
	if r.err == nil {
		c.mu.Lock()
		r.expires = now.Add(keep)
		c.mu.Unlock()
	}
	return r.value, r.err
}

// lookup returns the entry for a key, and whether the caller has to compute it.
func (c *cache[K, V]) lookup(key K, now time.Time) (r *result[V], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r = c.results[key]
	if r != nil && (now.Before(r.expires) || !r.finished()) {
		return r, false
	}
	if c.results == nil {
		c.results = make(map[K]*result[V])
	}
	r = &result[V]{done: make(chan struct{})}
	c.results[key] = r
	return r, true
}

func (r *result[V]) finished() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// latest returns the last computed value for a key, however old it is.
func (c *cache[K, V]) latest(key K) (value V, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.results[key]
	if r == nil || !r.finished() || r.err != nil {
		return value, false
	}
	return r.value, true
}
