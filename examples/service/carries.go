package main

import (
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// carries keeps each Prompt.Carry until an answer to its browser takes it along
// as a cookie. Mostly that is the answer to the password itself; where the
// operator was slow and the page no longer waited, it is the next one. It is
// ciphertext, and bound to its verification. It is safe for concurrent use.
type carries struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]kept
}

type kept struct {
	carry string
	until time.Time
}

func newCarries(now func() time.Time) *carries {
	return &carries{now: now, kept: make(map[string]kept)}
}

// keep keeps what an answer to a submission carries, in the place of what was
// there, until the prompt's deadline.
func (c *carries) keep(v carrierfsm.Verification) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, k := range c.kept { // few: most are taken at once
		if !c.now().Before(k.until) {
			delete(c.kept, id)
		}
	}
	if v.Prompt != nil && v.Prompt.Carry != "" {
		c.kept[v.ID] = kept{v.Prompt.Carry, v.Deadline}
	}
}

// take returns what is kept for a verification, and forgets it.
func (c *carries) take(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[id]
	delete(c.kept, id)
	return k.carry
}
