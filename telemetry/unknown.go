package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
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
// reported, and OpenTelemetry's error handler gets the error.
//
// Where the store has shards and m is a Stater, each shard that answered has a value of
// its own, with the attribute verification.shard; 1,000 is the most of all together.
func (t *Telemetry) Watch(m Lister) (metric.Registration, error) {
	c := &counter{list: m, within: t.within, now: t.now}
	return t.metrics.meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		for shard, n := range c.count(ctx) {
			o.ObserveInt64(t.metrics.unknown, n, metric.WithAttributes(nonEmpty(stringAttr(attrShard, shard))...))
		}
		return nil
	}, t.metrics.unknown)
}

// counter counts the verifications whose outcome is unknown.
type counter struct {
	list   Lister
	within time.Duration
	now    func() time.Time

	mu     sync.Mutex
	at     time.Time // of the latest count
	counts map[string]int64
}

// unknownStates are the states in which an outcome can be unknown.
var unknownStates = []carrierfsm.State{carrierfsm.Created, carrierfsm.AwaitingPassword, carrierfsm.AwaitingCaptcha}

// count returns the latest counts, or new ones if those are older than countTTL. An
// error goes to OpenTelemetry's handler: returned by the callback, it would keep every
// metric of the process from being exported, just while the store fails.
func (c *counter) count(ctx context.Context) map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.at.IsZero() || now.Sub(c.at) >= countTTL {
		var err error
		c.counts, err = c.query(ctx)
		c.at = now
		if err != nil {
			otel.Handle(err)
		}
	}
	return c.counts
}

// errCount replaces the store's error: a driver's text may hold anything.
var errCount = errors.New("telemetry: verification.unknown.active can't be counted")

// query returns the count of each shard that answered, and an error if some did not. A
// store without shards has one count, of the name "".
func (c *counter) query(ctx context.Context) (counts map[string]int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil { // no caller recovers: the panic would end the process
			counts, err = nil, fmt.Errorf("%w (panic)", errCount)
		}
	}()
	counts = c.zeroes()
	list, err := c.list.List(ctx, carrierfsm.Query{
		Reason: carrierfsm.OutcomeUnknown, States: unknownStates, CreatedAfter: c.now().Add(-c.within), Limit: maxCount,
	})
	if err != nil {
		var some *carrierfsm.ShardsError
		if !errors.As(err, &some) {
			return nil, fmt.Errorf("%w (%s)", errCount, classOf(err).name)
		}
		for _, shard := range some.Shards {
			delete(counts, shard)
		}
		err = fmt.Errorf("%w on %d of the shards (%s)", errCount, len(some.Shards), classOf(err).name)
	}
	for _, v := range list {
		counts[v.Shard]++
	}
	return counts, err
}

// zeroes returns a count of zero for each shard of the store.
func (c *counter) zeroes() map[string]int64 {
	var shards []carrierfsm.ShardStats
	if m, ok := c.list.(Stater); ok {
		shards = m.Stats().Shards
	}
	if shards == nil {
		return map[string]int64{"": 0}
	}
	counts := make(map[string]int64)
	for _, s := range shards {
		counts[s.Name] = 0
	}
	return counts
}
