package fsmtest

import (
	"fmt"
	"sync"
	"time"
)

// Clock is a clock that moves only by Advance. It is safe for concurrent use;
// make one with NewClock.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

var start = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// NewClock returns a Clock at noon of 2030-06-01, UTC.
func NewClock() *Clock { return &Clock{now: start} }

// Now returns its time, for carrierfsm.Config.Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// String returns how far the clock has moved since NewClock.
func (c *Clock) String() string { return fmt.Sprint(c.Now().Sub(start)) }
