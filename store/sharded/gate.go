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
	// a failure. Shorter ones do if for as long several end so and none is answered; those of
	// callers who give up before shortCall never do.
	longCall  = time.Second
	shortCall = 100 * time.Millisecond
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
	closed   time.Time // when the gate began to refuse calls
	refuses  time.Duration
	until    time.Time // until then it refuses every call
}

// enter begins a call, or refuses it. The text of an error says why. While calls are refused
// one at times finds out whether the shard answers again; the next one does not wait for its end.
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
		if now.Sub(begun) < shortCall {
			return false
		}
		if g.silent++; g.silent == 1 {
			g.since = begun
		}
		if down || g.silent < maxFailures || now.Sub(g.since) < longCall {
			return false
		}
		g.failures = maxFailures // nobody waits long enough to find out more
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
	case !begun.Before(g.closed): // it found out
		g.until = now.Add(g.refuses)
	}
	return false
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
