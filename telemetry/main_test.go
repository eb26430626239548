package telemetry_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm/telemetry"
)

// No test may leak a goroutine.
func TestMain(m *testing.M) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(handle))
	goleak.VerifyTestMain(m)
}

// fixture is a Telemetry with an SDK that keeps spans and metrics in memory.
type fixture struct {
	*telemetry.Telemetry
	t      testing.TB
	spans  *tracetest.InMemoryExporter
	traces *sdktrace.TracerProvider
	reader *sdkmetric.ManualReader
}

func newFixture(t testing.TB, set ...func(*telemetry.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	f.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(f.spans))
	cfg := telemetry.Config{TracerProvider: f.traces, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(f.reader))}
	for _, f := range set {
		f(&cfg)
	}
	var err error
	f.Telemetry, err = telemetry.New(cfg)
	require.NoError(t, err)
	return f
}

// spanTree formats and removes the spans that have ended: children indented below
// their parents, in the order of their start.
func (f *fixture) spanTree() (lines []string) {
	spans := f.spans.GetSpans()
	f.spans.Reset()
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	known := make(map[trace.SpanID]bool)
	for _, s := range spans {
		known[s.SpanContext.SpanID()] = true
	}
	var draw func(parent trace.SpanID, indent string)
	draw = func(parent trace.SpanID, indent string) {
		for _, s := range spans {
			if of := s.Parent.SpanID(); of == parent || !parent.IsValid() && !known[of] {
				lines = append(lines, indent+formatSpan(s))
				draw(s.SpanContext.SpanID(), indent+"  ")
			}
		}
	}
	draw(trace.SpanID{}, "")
	return lines
}

func formatSpan(s tracetest.SpanStub) string {
	line := s.Name + " " + formatAttributes(attribute.NewSet(s.Attributes...))
	if s.SpanKind != trace.SpanKindInternal {
		line += " " + s.SpanKind.String()
	}
	if s.Status.Code != codes.Unset {
		line += " " + s.Status.Code.String() + s.Status.Description
	}
	return strings.TrimSpace(line)
}

// formatAttributes formats attributes in the order of their keys.
func formatAttributes(set attribute.Set) string {
	var list []string
	for _, a := range set.ToSlice() {
		list = append(list, string(a.Key)+"="+a.Value.String())
	}
	return strings.Join(list, " ")
}

func (f *fixture) collect() []metricdata.Metrics {
	var data metricdata.ResourceMetrics
	require.NoError(f.t, f.reader.Collect(context.Background(), &data))
	var list []metricdata.Metrics
	for _, s := range data.ScopeMetrics {
		require.Equal(f.t, "github.com/carrierfsm/carrierfsm/telemetry", s.Scope.Name)
		list = append(list, s.Metrics...)
	}
	return list
}

// points formats the data points of a metric, one a line.
func (f *fixture) points(name string) (lines []string) {
	for _, m := range f.collect() {
		if m.Name == name {
			lines = append(lines, pointsOf(m)...)
		}
	}
	slices.Sort(lines)
	return lines
}

func pointsOf(m metricdata.Metrics) (lines []string) {
	add := func(set attribute.Set, format string, values ...any) {
		lines = append(lines, strings.TrimSpace(formatAttributes(set)+" "+fmt.Sprintf(format, values...)))
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%d", p.Value)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%d", p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			add(p.Attributes, "%d times, %g s", p.Count, p.Sum)
		}
	}
	return lines
}
