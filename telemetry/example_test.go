package telemetry_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/telemetry"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// observed returns a machine and a dispatcher, both observed.
func observed(store outbox.Store, traces trace.TracerProvider, metrics metric.MeterProvider) (*carrierfsm.Machine, *outbox.Dispatcher, error) {
	t, err := telemetry.New(telemetry.Config{TracerProvider: traces, MeterProvider: metrics})
	if err != nil {
		return nil, nil, err
	}
	client, err := juxinli.New(juxinli.Config{Org: "DEMO", Observer: t.Observer()}) // the HTTP requests
	if err != nil {
		return nil, nil, err
	}
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: store, Upstream: client, Observer: t.Observer()})
	if err != nil {
		return nil, nil, err
	}
	if _, err = t.Watch(m); err != nil { // verification.unknown.active
		return nil, nil, err
	}
	d, err := outbox.New(m, store, outbox.Config{
		Handlers: map[string]outbox.Handler{"notify": notify}, Observer: t.HandlerObserver(),
	})
	return m, d, err
}

// providers returns the SDK's: an exporter takes the spans, a reader the metrics.
func providers(exporter sdktrace.SpanExporter, reader sdkmetric.Reader) (*sdktrace.TracerProvider, *sdkmetric.MeterProvider) {
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter)), sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
}

// notify is the host's handler.
func notify(_ context.Context, t carrierfsm.Transition) error {
	fmt.Println("notified of", t.Event)
	return nil
}

func Example() {
	ctx := context.Background()
	exporter, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	traces, metrics := providers(exporter, reader)
	m, d, err := observed(memory.New(), traces, metrics)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := m.Create(ctx, carrierfsm.NewVerification{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form()}) // without the person's consent
	fmt.Println(err != nil)
	_, _ = m.Submit(ctx, v.ID, carrierfsm.Cancel{})
	_, _ = d.Deliver(ctx) // a host calls Run

	var data metricdata.ResourceMetrics
	_ = reader.Collect(ctx, &data)
	for _, metric := range data.ScopeMetrics[0].Metrics {
		fmt.Println(metric.Name)
	}
	_ = traces.ForceFlush(ctx)
	for _, span := range exporter.GetSpans() {
		fmt.Println(span.Name)
	}
	_ = traces.Shutdown(ctx)
	// Output:
	// true
	// notified of canceled
	// verification.transitions
	// verification.submissions
	// verification.unknown.active
	// verification.state.duration
	// verification.handler.lag
	// carrierfsm.store.load
	// carrierfsm.submit
	// carrierfsm.store.load
	// carrierfsm.store.commit
	// carrierfsm.submit
	// carrierfsm.handle
}
