// Package ttlmap is a map whose values are disposed of after a time, by one
// timer for all of them.
package ttlmap

import (
	"container/heap"
	"sync"
	"time"
)

// Map holds values by key, each for a time of its own. It is safe for
// concurrent use.
type Map[V any] struct {
	dispose func(V)

	mu     sync.Mutex
	items  map[string]*item[V]
	queue  queue[V] // the same items, by when they expire
	closed bool

	start  time.Time     // what expires counts from
	timer  *time.Timer   // one for all items
	fireAt time.Duration // when the timer fires; 0 while it is stopped
}

type item[V any] struct {
	key     string
	value   V
	expires time.Duration // since the map's start
	index   int           // in the queue
}

// New returns an empty Map. dispose is called for each value that leaves it,
// under the map's lock: it must not call the map.
func New[V any](dispose func(V)) *Map[V] {
	return &Map[V]{dispose: dispose, items: make(map[string]*item[V]), start: time.Now()}
}

// Put takes over a value for so long and disposes of the one that the key had.
// A closed map disposes of the value at once.
func (m *Map[V]) Put(key string, value V, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.items[key]
	if !ok {
		m.put(key, value, ttl)
		return
	}
	m.dispose(i.value)
	now := time.Since(m.start)
	i.value, i.expires = value, now+ttl
	heap.Fix(&m.queue, i.index)
	m.schedule(now)
}

// GetOrPut returns the key's value, or puts the one that create returns for so
// long. A closed map disposes of that at once. The caller shares the value with
// the map. put reports that it is the new one.
func (m *Map[V]) GetOrPut(key string, ttl time.Duration, create func() V) (value V, put bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.items[key]; ok {
		return i.value, false
	}
	value = create()
	m.put(key, value, ttl)
	return value, true
}

func (m *Map[V]) put(key string, value V, ttl time.Duration) {
	if m.closed {
		m.dispose(value)
		return
	}
	now := time.Since(m.start)
	i := &item[V]{key: key, value: value, expires: now + ttl}
	m.items[key] = i
	heap.Push(&m.queue, i)
	m.schedule(now)
}

// Get returns what clone makes of the key's value, so that the caller's copy
// outlives it. ok is false where the map has none.
func (m *Map[V]) Get(key string, clone func(V) V) (value V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.items[key]
	if !ok {
		return value, false
	}
	return clone(i.value), true
}

// Update replaces the key's value, if there is one, by what change makes of it, for
// the rest of its time. It does not dispose of the value. change is called under the
// map's lock.
func (m *Map[V]) Update(key string, change func(V) V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i, ok := m.items[key]; ok {
		i.value = change(i.value)
	}
}

// Delete disposes of the key's value, if there is one.
func (m *Map[V]) Delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.delete(key)
}

// Trim disposes of the values that expire first until n are left.
func (m *Map[V]) Trim(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.queue) > n {
		m.delete(m.queue[0].key)
	}
}

// Len returns how many values there are.
func (m *Map[V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.items)
}

// Close disposes of all values, and of those that are put later.
func (m *Map[V]) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for key := range m.items {
		m.delete(key)
	}
}

// schedule sets the timer for the item that expires first. A timer that fires
// too early, because its item was deleted, does no harm.
func (m *Map[V]) schedule(now time.Duration) {
	if len(m.queue) == 0 || m.fireAt != 0 && m.fireAt <= m.queue[0].expires {
		return
	}
	m.fireAt = m.queue[0].expires
	if wait := m.fireAt - now; m.timer == nil {
		m.timer = time.AfterFunc(wait, m.expire)
	} else {
		m.timer.Reset(wait)
	}
}

// expire disposes of what has expired.
func (m *Map[V]) expire() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fireAt = 0
	now := time.Since(m.start)
	for len(m.queue) > 0 && m.queue[0].expires <= now {
		m.delete(m.queue[0].key)
	}
	m.schedule(now)
}

func (m *Map[V]) delete(key string) {
	if i, ok := m.items[key]; ok {
		heap.Remove(&m.queue, i.index)
		m.dispose(i.value)
		delete(m.items, key)
	}
	if len(m.queue) == 0 && m.fireAt != 0 { // a running timer would keep the map in memory
		m.timer.Stop()
		m.fireAt = 0
	}
}

// queue is a heap of items by when they expire.
type queue[V any] []*item[V]

func (q queue[V]) Len() int           { return len(q) }
func (q queue[V]) Less(i, j int) bool { return q[i].expires < q[j].expires }

func (q queue[V]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push is heap.Interface's.
func (q *queue[V]) Push(x any) {
	i, _ := x.(*item[V])
	i.index = len(*q)
	*q = append(*q, i)
}

// Pop is heap.Interface's.
func (q *queue[V]) Pop() any {
	last := len(*q) - 1
	i := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return i
}
