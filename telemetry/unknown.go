package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/carrierfsm/carrierfsm"
)

const (
	// countedAtMost is the largest number that Watch tells.
	countedAtMost = 1000
	// countPatience is how long the store may take to count.
	countPatience = 5 * time.Second
	// countAfter is how long a count is good for, however many ask.
	countAfter = 10 * time.Second
)

// Lister is what Watch counts by; *carrierfsm.Machine is one.
type Lister interface {
	List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Summary, error)
}

// Watch has the metric verification.unknown.active counted in the store of m,
// each time metrics are collected, until it is unregistered.
//
// The number is that of the store and not of this process, so it outlives any
// of them, and each replica that watches the same store tells the same: take
// the greatest, not the sum. 1,000 means that or more. One count makes one
// query, bounded by Config.Within, at most every ten seconds; while it fails
// there is no number.
func (t *Telemetry) Watch(m Lister) (metric.Registration, error) {
	c := &counter{list: m, within: t.within, now: t.now}
	return t.metrics.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		n, err := c.count(ctx)
		if err != nil {
			return err
		}
		o.ObserveInt64(t.metrics.unknown, int64(n))
		return nil
	}, t.metrics.unknown)
}

// counter counts the verifications whose outcome is unknown.
type counter struct {
	list   Lister
	within time.Duration
	now    func() time.Time

	mu   sync.Mutex
	at   time.Time // of the latest count
	n    int
	fail error
}

// asking are the states in which an outcome can be unknown.
var asking = []carrierfsm.State{carrierfsm.Created, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha}

// count counts, unless that was done a moment ago.
func (c *counter) count(ctx context.Context) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.at.IsZero() || now.Sub(c.at) >= countAfter {
		c.n, c.fail = c.ask(ctx)
		c.at = now
	}
	return c.n, c.fail
}

// errCount says no more than that: the text of a driver's error may hold anything.
var errCount = errors.New("telemetry: verification.unknown.active can't be counted")

func (c *counter) ask(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, countPatience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // it would end the process: nobody above recovers
			n, err = 0, fmt.Errorf("%w (panic)", errCount)
		}
	}()
	list, err := c.list.List(ctx, carrierfsm.Query{
		Reason: carrierfsm.OutcomeUnknown, States: asking, CreatedAfter: c.now().Add(-c.within), Limit: countedAtMost,
	})
	if err != nil {
		return 0, fmt.Errorf("%w (%s)", errCount, classOf(err).name)
	}
	return len(list), nil
}
