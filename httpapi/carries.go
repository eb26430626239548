package httpapi

import (
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// carries keeps each Prompt.Carry until a response to its client sets it as a
// cookie. That is usually the response to the password; if the operator was slow
// and that request had returned, it is the next one. A carry is ciphertext, bound
// to its verification. It is safe for concurrent use.
type carries struct {
	now     func() time.Time
	mu      sync.Mutex
	entries map[string]carryEntry
}

type carryEntry struct {
	carry string
	until time.Time
}

func newCarries(now func() time.Time) *carries {
	return &carries{now: now, entries: make(map[string]carryEntry)}
}

// store keeps the carry of a submission's result until the prompt's deadline.
func (c *carries) store(v carrierfsm.Verification) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, k := range c.entries { // few: most are taken immediately
		if !c.now().Before(k.until) {
			delete(c.entries, id)
		}
	}
	if v.Prompt != nil {
		v.Prompt.Carry.Use(func(carry []byte) {
			if len(carry) > 0 {
				c.entries[v.ID] = carryEntry{string(carry), v.Deadline}
			}
		})
	}
}

// take removes and returns the carry of a verification.
func (c *carries) take(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.entries[id]
	delete(c.entries, id)
	return k.carry
}
