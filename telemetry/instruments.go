package telemetry

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// instruments are the metrics; docs/telemetry.md describes them.
type instruments struct {
	meter       metric.Meter
	transitions metric.Int64Counter
	submissions metric.Int64Counter
	unknown     metric.Int64ObservableGauge
	skew        metric.Int64ObservableGauge
	slow        metric.Int64ObservableGauge
	abandoned   metric.Int64ObservableGauge
	active      metric.Int64ObservableGauge
	seals       metric.Int64ObservableCounter
	limited     metric.Int64ObservableCounter
	stay        metric.Float64Histogram
	lag         metric.Float64Histogram
	exchange    metric.Float64Histogram
}

// The bounds of the histograms' buckets, in seconds. Those of requests are the
// ones of the semantic conventions and larger ones, as operators may take minutes.
var (
	stayBounds     = []float64{1, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600}
	lagBounds      = []float64{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21600, 86400}
	exchangeBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 30, 60, 120, 180, 300}
)

func newInstruments(m metric.Meter) (instruments, error) {
	i := instruments{meter: m}
	var errs [12]error
	i.transitions, errs[0] = m.Int64Counter("verification.transitions",
		metric.WithUnit("{transition}"), metric.WithDescription("Transitions that were committed."))
	i.submissions, errs[1] = m.Int64Counter("verification.submissions",
		metric.WithUnit("{submission}"), metric.WithDescription("Submissions that ended, by outcome."))
	i.unknown, errs[2] = m.Int64ObservableGauge("verification.unknown.active",
		metric.WithUnit("{verification}"), metric.WithDescription("Verifications in the store that ask again because an outcome is not known."))
	i.stay, errs[3] = m.Float64Histogram("verification.state.duration",
		metric.WithUnit("s"), metric.WithDescription("How long a verification was in a state that it left."),
		metric.WithExplicitBucketBoundaries(stayBounds...))
	i.lag, errs[4] = m.Float64Histogram("verification.handler.lag",
		metric.WithUnit("s"), metric.WithDescription("How long after a transition a call of a handler for it ended."),
		metric.WithExplicitBucketBoundaries(lagBounds...))
	i.exchange, errs[5] = m.Float64Histogram("http.client.request.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of HTTP client requests."),
		metric.WithExplicitBucketBoundaries(exchangeBounds...))
	i.skew, errs[6] = m.Int64ObservableGauge("verification.clock.skew",
		metric.WithUnit("ms"), metric.WithDescription("By how much this process's clock is ahead of the store's."))
	i.slow, errs[7] = m.Int64ObservableGauge("verification.handler.slow",
		metric.WithUnit("{call}"), metric.WithDescription("Calls of handlers that go on and that delivery does not wait for."))
	i.abandoned, errs[8] = m.Int64ObservableGauge("verification.handler.abandoned",
		metric.WithUnit("{call}"), metric.WithDescription("Calls of handlers that have not returned after their time."))
	i.active, errs[9] = m.Int64ObservableGauge("verification.run.active",
		metric.WithUnit("{loop}"), metric.WithDescription("Whether Run runs in this process and gets on: 1 or 0."))
	i.seals, errs[10] = m.Int64ObservableCounter("verification.seals",
		metric.WithUnit("{seal}"), metric.WithDescription("How often the Sealer was asked to seal."))
	i.limited, errs[11] = m.Int64ObservableCounter("verification.limited",
		metric.WithUnit("{submission}"), metric.WithDescription("Submissions that were refused because a budget of their number was used up."))
	return i, errors.Join(errs[:]...)
}
