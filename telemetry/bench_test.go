package telemetry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// BenchmarkPlainVerification measures a plain verification, three submissions on
// a store in memory: without telemetry, without an SDK, with metrics, with
// metrics and 1% of the traces, and with all.
func BenchmarkPlainVerification(b *testing.B) {
	metrics := func() *sdkmetric.MeterProvider {
		return sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	}
	traces := func(s sdktrace.Sampler) *sdktrace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(s), sdktrace.WithSpanProcessor(discard{}))
	}
	for name, cfg := range map[string]*telemetry.Config{
		"none":         nil,
		"no SDK":       {TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: metricnoop.NewMeterProvider()},
		"metrics":      {TracerProvider: tracenoop.NewTracerProvider(), MeterProvider: metrics()},
		"1% of traces": {TracerProvider: traces(sdktrace.TraceIDRatioBased(0.01)), MeterProvider: metrics()},
		"all":          {TracerProvider: traces(sdktrace.AlwaysSample()), MeterProvider: metrics()},
	} {
		b.Run(name, func(b *testing.B) {
			run := plainVerification(b, cfg)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}

// discard drops spans: a batching processor exports them on another goroutine.
type discard struct{ sdktrace.SpanProcessor }

func (discard) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (discard) OnEnd(sdktrace.ReadOnlySpan)                     {}

// plainVerification returns a function that runs one plain verification, without
// telemetry if cfg is nil.
func plainVerification(tb testing.TB, cfg *telemetry.Config) func() {
	tb.Helper()
	up := fsmtest.NewUpstream()
	c := carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: up}
	if cfg != nil {
		t, err := telemetry.New(*cfg)
		require.NoError(tb, err)
		c.Observer = t.Observer()
	}
	m, err := carrierfsm.New(c)
	require.NoError(tb, err)
	ctx := context.Background()
	return func() {
		up.Then(fsmtest.Code("10002"), fsmtest.Code("10008"))
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
		}
		if err == nil {
			v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		}
		if err == nil {
			v, err = m.Submit(ctx, v.ID, carrierfsm.Captcha{Step: v.Step, Code: carrierfsm.NewSecret("500001")})
		}
		if err != nil || v.State != carrierfsm.Done {
			tb.Fatal(v.State, err)
		}
	}
}
