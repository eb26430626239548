package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Stater has the counts of a machine. *carrierfsm.Machine implements it.
type Stater interface{ Stats() carrierfsm.Stats }

// HandlerStater has the counts of a dispatcher. *outbox.Dispatcher implements it.
type HandlerStater interface{ Stats() outbox.Stats }

// WatchProcess reports, whenever metrics are collected, until it is unregistered,
// by how much the machine's clock is ahead of the store's, how often it sealed, how often a
// budget of a number refused a submission, how many calls of handlers the dispatcher does
// not wait for, and whether the Run of each runs and gets on. Either may be nil. The values belong to this process.
func (t *Telemetry) WatchProcess(m Stater, d HandlerStater) (metric.Registration, error) {
	return t.metrics.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if m != nil {
			stats := m.Stats()
			o.ObserveInt64(t.metrics.seals, stats.Seals)
			o.ObserveInt64(t.metrics.limited, stats.Limited)
			for _, s := range stats.Shards {
				shard := attrShard.String(s.Name)
				o.ObserveInt64(t.metrics.skew, s.ClockSkew.Milliseconds(), metric.WithAttributes(shard))
				o.ObserveInt64(t.metrics.active, oneIf(stats.Running > 0 && s.RunIdle < runStalls), settleLoop, metric.WithAttributes(shard))
			}
			if stats.Shards == nil {
				o.ObserveInt64(t.metrics.skew, stats.ClockSkew.Milliseconds())
				o.ObserveInt64(t.metrics.active, oneIf(stats.Running > 0 && stats.RunIdle < runStalls), settleLoop)
			}
		}
		if d != nil {
			stats := d.Stats()
			o.ObserveInt64(t.metrics.slow, int64(stats.Slow))
			o.ObserveInt64(t.metrics.abandoned, int64(stats.Abandoned))
			o.ObserveInt64(t.metrics.active, oneIf(stats.Running > 0), deliverLoop)
		}
		return nil
	}, t.metrics.skew, t.metrics.slow, t.metrics.abandoned, t.metrics.active, t.metrics.seals, t.metrics.limited)
}

// runStalls is for how long a machine's Run may not get on before it counts as not
// running.
const runStalls = time.Minute

// The attributes of the two loops.
var (
	settleLoop  = metric.WithAttributes(attrLoop.String("settle"))
	deliverLoop = metric.WithAttributes(attrLoop.String("deliver"))
)

func oneIf(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}
