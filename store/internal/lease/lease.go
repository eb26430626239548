// Package lease has the cursor of a handler and the rule by which replicas take
// turns at holding its lease. Stores whose server has a clock of its own apply
// the rule there.
package lease

import "time"

// Cursor is the position of a handler in the outbox, and its lease.
type Cursor struct {
	// Position is the position of the last entry that the handler has passed.
	Position int64
	// Owner holds the lease until Until. It is empty after the lease was released.
	Owner string
	Until time.Time
	// Fence grows by one with each new owner.
	Fence int64
}

// Held returns whether the lease is valid at now.
func (c *Cursor) Held(now time.Time) bool { return c.Owner != "" && now.Before(c.Until) }

// HeldByOther returns whether another owner's lease is valid at now.
func (c *Cursor) HeldByOther(owner string, now time.Time) bool {
	return c.Owner != owner && c.Held(now)
}

// Acquire gives owner the lease until the given time, or extends it. It returns
// false, and changes nothing, while another owner's lease is valid.
func (c *Cursor) Acquire(owner string, now, until time.Time) bool {
	if c.HeldByOther(owner, now) {
		return false
	}
	if c.Owner != owner {
		c.Owner = owner
		c.Fence++
	}
	c.Until = until
	return true
}
