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
	"github.com/carrierfsm/carrierfsm/outbox"
)

// scope is the instrumentation scope of the spans and metrics.
const scope = "github.com/carrierfsm/carrierfsm/telemetry"

// Config configures a Telemetry. The zero value uses the global providers of
// package otel.
type Config struct {
	// TracerProvider makes the spans. Defaults to otel.GetTracerProvider(),
	// which may be set later than New is called.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics. Defaults to otel.GetMeterProvider(), which
	// may be set later too.
	MeterProvider metric.MeterProvider
	// Sources is how many websites have a label of their own in the metrics.
	// Further ones, and what does not look like the name of a website, count as
	// "other". Defaults to 100; there are about 65 operators.
	Sources int
	// Within bounds the count of Watch to verifications created within this time.
	// It must be Limits.Life or more. Defaults to 1 h, twice the default of Life.
	Within time.Duration
	// Now is the machine's clock. Defaults to time.Now.
	Now func() time.Time
}

// Telemetry makes spans and metrics from the calls of an Observer. It is safe for
// concurrent use, by any number of machines and clients.
type Telemetry struct {
	tracer      trace.Tracer
	metrics     instruments
	sources     sources
	commitSpans commitSpans
	within      time.Duration
	now         func() time.Time

	transitionOptions optionCache[transitionKey, metric.AddOption]
	submissionOptions optionCache[submissionKey, metric.AddOption]
	stayOptions       optionCache[stayKey, metric.RecordOption]
	lagOptions        optionCache[lagKey, metric.RecordOption]

	observer carrierfsm.Observer
	handlers outbox.Observer
}

// New returns a Telemetry. It returns an error for a negative bound, and any
// error of the MeterProvider.
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
		sources: sources{max: c.Sources}, within: c.Within, now: c.Now,
	}
	t.observer = carrierfsm.Observer{
		Submit: t.submit, Call: t.call, Store: t.store, Exchange: t.exchange, Transition: t.transition,
	}
	t.handlers = outbox.Observer{Handle: t.handle}
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

// Observer returns the observer for carrierfsm.Config and juxinli.Config. It is
// the same one each time; the caller must not change it.
func (t *Telemetry) Observer() *carrierfsm.Observer { return &t.observer }

// HandlerObserver returns the Observer for outbox.Config. It is the same one each
// time, and must not be changed.
func (t *Telemetry) HandlerObserver() *outbox.Observer { return &t.handlers }

// optionCache caches the options of measurements, so that a repeated measurement
// allocates none. The number of keys must be bounded: none is evicted.
type optionCache[K comparable, O any] struct{ options sync.Map }

// get returns the options for a key; it calls option the first time.
func (s *optionCache[K, O]) get(key K, option func(K) O) []O {
	if known, ok := s.options.Load(key); ok {
		return known.([]O)
	}
	known, _ := s.options.LoadOrStore(key, []O{option(key)})
	return known.([]O)
}
