package crashproof_test

import (
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
}

func newRecorder() *recorder {
	return &recorder{exchanges: make(map[string][]exchange), count: make(map[string]int)}
}

func (b *recorder) write(n exchange) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exchanges[n.request.ID] = append(b.exchanges[n.request.ID], n)
	b.count[n.request.Op+" "+n.response.Result]++
}
