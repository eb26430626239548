package telemetry_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"

	"github.com/carrierfsm/carrierfsm/telemetry"
)

func TestTheNamesAreThoseOfTheSemanticConventions(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, []attribute.Key{
		semconv.ErrorTypeKey, semconv.HTTPRequestMethodKey, semconv.HTTPResponseStatusCodeKey, semconv.NetworkProtocolVersionKey,
		semconv.ServerAddressKey, semconv.ServerPortKey, semconv.URLTemplateKey,
	}, telemetry.ConventionalKeys)
	require.Equal(t, semconv.ErrorTypeOther.Value.AsString(), telemetry.Unclassified)
	w := newClientFixture(t)
	_, err := w.client.Datasources(t.Context())
	require.NoError(t, err)
	var convention httpconv.ClientRequestDuration
	for _, m := range w.collect() {
		require.Equal(t, convention.Name(), m.Name)
		require.Equal(t, convention.Unit(), m.Unit)
		require.Equal(t, convention.Description(), m.Description)
		bounds := m.Data.(metricdata.Histogram[float64]).DataPoints[0].Bounds
		for _, b := range []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10} {
			require.Contains(t, bounds, b, "a bound of the convention")
		}
		require.Equal(t, 300.0, slices.Max(bounds), "the longest request that integrators reported")
	}
}
