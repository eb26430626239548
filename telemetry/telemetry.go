package telemetry

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// scope names whose spans and metrics they are.
const scope = "github.com/carrierfsm/carrierfsm/telemetry"

// Config is what a Telemetry is made of. The zero value uses the providers
// that the process has set for all.
type Config struct {
	// TracerProvider makes the spans. Defaults to otel.GetTracerProvider(),
	// which may be set later than New is called.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics. Defaults to otel.GetMeterProvider(), as
	// above.
	MeterProvider metric.MeterProvider
	// Sources is how many websites the metrics tell apart. Further ones, and
	// what does not look like the name of a website, count as "other". Defaults
	// to 100; there are about 65 operators.
	Sources int
	// Within is how long ago a verification may have been created that Watch
	// counts: Limits.Life or more. Defaults to 1 h, twice the default of that.
	Within time.Duration
	// Now is the machine's clock. Defaults to time.Now.
	Now func() time.Time
}

// Telemetry turns what an Observer is told into spans and metrics. It is safe
// for concurrent use, by any number of machines and clients.
type Telemetry struct {
	tracer  trace.Tracer
	metrics instruments
	sources sources
	origins origins
	within  time.Duration
	now     func() time.Time

	transitions sets[transition, metric.AddOption]
	submissions sets[submission, metric.AddOption]
	stays       sets[stay, metric.RecordOption]
	lags        sets[handled, metric.RecordOption]

	observer carrierfsm.Observer
}

// New returns a Telemetry. It returns an error for a negative bound, and what
// the MeterProvider returns.
func New(c Config) (*Telemetry, error) {
	if c.Sources < 0 || c.Within < 0 {
		return nil, errors.New("telemetry: a bound is negative")
	}
	c = c.withDefaults()
	metrics, err := newInstruments(c.MeterProvider.Meter(scope))
	if err != nil {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	t := &Telemetry{
		tracer: c.TracerProvider.Tracer(scope), metrics: metrics,
		sources: sources{most: c.Sources}, within: c.Within, now: c.Now,
	}
	t.observer = carrierfsm.Observer{
		Submit: t.submit, Call: t.call, Store: t.store, Handle: t.handle, Exchange: t.exchange, Transition: t.moved,
	}
	return t, nil
}

func (c Config) withDefaults() Config {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.Sources == 0 {
		c.Sources = 100
	}
	if c.Within == 0 {
		c.Within = time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Observer is what carrierfsm.Config and juxinli.Config take. It is the same
// one each time, and not to be changed.
func (t *Telemetry) Observer() *carrierfsm.Observer { return &t.observer }

// sets keeps the options of measurements, so that one which was made before
// costs no allocation. Its keys have to be of a bounded number.
type sets[K comparable, O any] struct{ known sync.Map }

// of returns the options for a key; option is asked the first time.
func (s *sets[K, O]) of(key K, option func(K) O) []O {
	if known, ok := s.known.Load(key); ok {
		return known.([]O)
	}
	known, _ := s.known.LoadOrStore(key, []O{option(key)})
	return known.([]O)
}
