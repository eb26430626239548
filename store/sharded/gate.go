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
	// a failure. Shorter calls count together: maxFailures one after the other, over at least
	// longCall and with at most maxPause between two of them, and no answer meanwhile. Calls that
	// end before shortCall never count.
	longCall  = time.Second
	shortCall = 100 * time.Millisecond
	maxPause  = 10 * time.Second
)

// gate bounds the calls of one shard. Without it callers would wait for a shard that is
// down until they fill every place of the process.
type gate struct {
	most int

	mu       sync.Mutex
	calls    int       // under way
	failures int       // in a row
	latest   time.Time // when the latest of them was counted
	silent   int       // calls in a row that ended without an answer, because callers gave up
	since    time.Time // when the first of these began
	gaveUp   time.Time // when the latest of these ended
	closed   time.Time // when the gate began to refuse calls
	refuses  time.Duration
	until    time.Time // until then it refuses every call
}

// enter begins a call, or refuses it. The text of an error says why. While calls are refused,
// one is let through each time until has passed, to find out whether the shard answers again.
// The next one is let through even if that one has not ended.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	down := g.down()
	switch {
	case down && now.Before(g.until):
		return fmt.Errorf("%w: refused after %d failures in a row", carrierfsm.ErrStore, g.failures)
	case g.calls >= g.most:
		return fmt.Errorf("%w: refused while %d calls are under way", carrierfsm.ErrStore, g.calls)
	}
	if down {
		g.refuses = min(2*g.refuses, maxRefused)
		g.until = now.Add(g.refuses)
	}
	g.calls++
	return nil
}

func (g *gate) down() bool { return g.failures >= maxFailures }

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
	now, down := time.Now(), g.down()
	switch o {
	case answered:
		g.failures, g.silent = 0, 0
		return down
	case unclear:
		if !g.silence(begun, now) {
			return false
		}
		g.failures = maxFailures // refuse calls, as after so many failures
	case failed:
		if begun.Before(g.latest) && now.Sub(begun) < longCall {
			return false
		}
		g.failures++
		g.latest = now
	}
	switch {
	case !g.down():
		return false
	case !down:
		g.closed, g.refuses = now, minRefused
		g.until = now.Add(g.refuses)
		return true
	case !begun.Before(g.closed): // it was let through to find out
		g.until = now.Add(g.refuses)
	}
	return false
}

// silence notes a call whose caller gave up. It reports whether the shard is found to hang.
func (g *gate) silence(begun, now time.Time) bool {
	down := g.down()
	if now.Sub(begun) < shortCall {
		if down && !begun.Before(g.closed) { // it found out nothing: the next one may
			g.until, g.refuses = now, max(g.refuses/2, minRefused)
		}
		return false
	}
	switch {
	case g.silent == 0 || begun.Sub(g.gaveUp) > maxPause:
		g.silent, g.since = 1, begun
	case begun.Before(g.gaveUp): // callers who gave up together are one
		return false
	default:
		g.silent++
	}
	g.gaveUp = now
	return !down && g.silent >= maxFailures && now.Sub(g.since) >= longCall
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
