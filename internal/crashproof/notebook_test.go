package crashproof_test

import (
	"sync"
	"time"
)

// note is one call of a person's, as the person saw it.
type note struct {
	client    int
	ask       ask
	nonce     string // of a submission: the same where the same click is repeated
	call, ret time.Time
	told      told // Word is wordLost where no answer came
}

// notebook is what all people wrote down, by verification. It is safe for
// concurrent use.
type notebook struct {
	mu    sync.Mutex
	notes map[string][]note
	count map[string]int // answers by word
}

func newNotebook() *notebook {
	return &notebook{notes: make(map[string][]note), count: make(map[string]int)}
}

func (b *notebook) write(n note) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes[n.ask.ID] = append(b.notes[n.ask.ID], n)
	b.count[n.ask.Op+" "+n.told.Word]++
}
