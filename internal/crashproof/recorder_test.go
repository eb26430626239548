package crashproof_test

import (
	"slices"
	"sync"
	"time"
)

// exchange is one request of a person and its response, as the person saw them.
type exchange struct {
	client    int
	request   request
	nonce     string // of a submission; the same if the same submission is repeated
	call, ret time.Time
	response  response // Result is resultLost if there was none
}

// recorder records the exchanges of all people, by verification. It is safe for
// concurrent use.
type recorder struct {
	mu        sync.Mutex
	exchanges map[string][]exchange
	count     map[string]int // of responses, by operation and result
	writes    []write        // that were acknowledged, in the order of their responses
}

// write is an acknowledged write.
type write struct {
	id, op    string
	call, ret time.Time
}

func newRecorder() *recorder {
	return &recorder{exchanges: make(map[string][]exchange), count: make(map[string]int)}
}

func (b *recorder) write(n exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchanges[n.request.ID] = append(b.exchanges[n.request.ID], n)
	b.count[n.request.Op+" "+n.response.Result]++
	if n.request.Op != opGet && n.response.Result == resultOK {
		b.writes = append(b.writes, write{n.request.ID, n.request.Op, n.call, n.ret})
	}
}

// wroteSince reports whether a write was acknowledged that began after t.
func (b *recorder) wroteSince(t time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.writes, func(w write) bool { return w.call.After(t) })
}

// submittedBetween counts the submissions of some verifications that began and were
// acknowledged between two times.
func (b *recorder) submittedBetween(from, until time.Time, of func(id string) bool) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.writes {
		if w.op == opSubmit && w.call.After(from) && w.ret.Before(until) && of(w.id) {
			n++
		}
	}
	return n
}

// longestGap is the longest time between from and until without an acknowledged write.
func (b *recorder) longestGap(from, until time.Time) (longest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range append(slices.Clone(b.writes), write{ret: until}) {
		if w.ret.After(from) && !w.ret.After(until) {
			longest, from = max(longest, w.ret.Sub(from)), w.ret
		}
	}
	return longest
}
