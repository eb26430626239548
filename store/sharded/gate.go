package sharded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/outbox"
)

const (
	// maxFailures is after how many failures in a row calls are refused at once.
	maxFailures = 5
	// minRefused and maxRefused bound for how long: it doubles with each try that fails.
	minRefused = 500 * time.Millisecond
	maxRefused = 5 * time.Second
	// longCall is how long a call has to take so that the end of its context counts as
	// a failure.
	longCall = time.Second
)

// gate bounds the calls of one shard. Without it callers would wait for a shard that is
// down until they fill every place of the process.
type gate struct {
	most int

	mu       sync.Mutex
	calls    int       // under way
	failures int       // in a row
	latest   time.Time // when the latest of them was counted
	refuses  time.Duration
	until    time.Time // until then every call is refused
	probing  bool      // one call finds out whether the shard answers again
}

// enter begins a call, or refuses it. The text of an error says why.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	down := g.failures >= maxFailures
	switch {
	case down && (g.probing || time.Now().Before(g.until)):
		return fmt.Errorf("%w: refused after %d failures in a row", carrierfsm.ErrStore, g.failures)
	case g.calls >= g.most:
		return fmt.Errorf("%w: refused while %d calls are under way", carrierfsm.ErrStore, g.calls)
	}
	g.probing = g.probing || down
	g.calls++
	return nil
}

// outcome is what a call says about its shard.
type outcome int

const (
	answered outcome = iota
	failed
	unclear
)

// leave ends a call. It reports whether calls have begun or ceased to be refused.
// Calls that fail together, because their connections were cut at one moment, are one
// failure.
func (g *gate) leave(o outcome, begun time.Time) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
	down := g.failures >= maxFailures
	switch o {
	case answered:
		g.failures, g.refuses, g.probing = 0, 0, false
		return down
	case unclear:
		g.probing = g.probing && !down
		return false
	case failed:
	}
	now := time.Now()
	if begun.Before(g.latest) && now.Sub(begun) < longCall {
		return false
	}
	g.failures++
	g.latest = now
	if g.failures < maxFailures || now.Before(g.until) { // those that began before
		return false
	}
	g.refuses = min(max(2*g.refuses, minRefused), maxRefused)
	g.until, g.probing = now.Add(g.refuses), false
	return !down
}

// refusals are the errors with which a store answers.
var refusals = []error{
	carrierfsm.ErrNotFound, carrierfsm.ErrExists, carrierfsm.ErrKeyInUse, carrierfsm.ErrConflict, carrierfsm.ErrInvalid,
	carrierfsm.ErrClosed, carrierfsm.ErrMoved, carrierfsm.ErrOtherShard,
	outbox.ErrLeaseHeld, outbox.ErrLeaseLost, outbox.ErrNoStart,
}

// outcomeOf returns what a call says about its shard.
func outcomeOf(ctx context.Context, begun time.Time, err error) outcome {
	if err == nil || errors.As(err, new(*budget.ExceededError)) {
		return answered
	}
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) && time.Since(begun) < longCall {
		return unclear
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return answered
		}
	}
	return failed
}
