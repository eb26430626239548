package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
)

// Stater has the counts of a machine. *carrierfsm.Machine implements it.
type Stater interface{ Stats() carrierfsm.Stats }

// HandlerStater has the counts of a dispatcher. *outbox.Dispatcher implements it.
type HandlerStater interface{ Stats() outbox.Stats }

// WatchProcess reports, whenever metrics are collected, until it is unregistered,
// by how much the machine's clock is ahead of the store's, and how many calls of
// handlers the dispatcher does not wait for. Either may be nil. The values belong
// to this process.
func (t *Telemetry) WatchProcess(m Stater, d HandlerStater) (metric.Registration, error) {
	return t.metrics.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if m != nil {
			o.ObserveInt64(t.metrics.skew, m.Stats().ClockSkew.Milliseconds())
		}
		if d != nil {
			stats := d.Stats()
			o.ObserveInt64(t.metrics.slow, int64(stats.Slow))
			o.ObserveInt64(t.metrics.abandoned, int64(stats.Abandoned))
		}
		return nil
	}, t.metrics.skew, t.metrics.slow, t.metrics.abandoned)
}
