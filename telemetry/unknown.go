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
	// maxCount is the largest value that Watch reports.
	maxCount = 1000
	// countTimeout bounds one count in the store.
	countTimeout = 5 * time.Second
	// countTTL is how long a count is reused.
	countTTL = 10 * time.Second
)

// Lister lists verifications for Watch. *carrierfsm.Machine implements it.
type Lister interface {
	List(ctx context.Context, q carrierfsm.Query) ([]carrierfsm.Summary, error)
}

// Watch reports the metric verification.unknown.active, counted in the store of
// m whenever metrics are collected, until it is unregistered.
//
// The value belongs to the store, not to this process: it survives a restart,
// and every replica that watches the same store reports the same value. Take
// the maximum, not the sum. 1,000 means 1,000 or more. A count is one query,
// bounded by Config.Within, at most every ten seconds; if it fails, no value is
// reported.
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

	mu  sync.Mutex
	at  time.Time // of the latest count
	n   int
	err error
}

// unknownStates are the states in which an outcome can be unknown.
var unknownStates = []carrierfsm.State{carrierfsm.Created, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha}

// count returns the latest count, or a new one if that is older than countTTL.
func (c *counter) count(ctx context.Context) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.at.IsZero() || now.Sub(c.at) >= countTTL {
		c.n, c.err = c.query(ctx)
		c.at = now
	}
	return c.n, c.err
}

// errCount replaces the store's error: a driver's text may hold anything.
var errCount = errors.New("telemetry: verification.unknown.active can't be counted")

func (c *counter) query(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // no caller recovers: the panic would end the process
			n, err = 0, fmt.Errorf("%w (panic)", errCount)
		}
	}()
	list, err := c.list.List(ctx, carrierfsm.Query{
		Reason: carrierfsm.OutcomeUnknown, States: unknownStates, CreatedAfter: c.now().Add(-c.within), Limit: maxCount,
	})
	if err != nil {
		return 0, fmt.Errorf("%w (%s)", errCount, classOf(err).name)
	}
	return len(list), nil
}
