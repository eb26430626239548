package telemetry_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

func TestTheNamesAreThoseOfTheSemanticConventions(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, []attribute.Key{
		semconv.ErrorTypeKey, semconv.HTTPRequestMethodKey, semconv.HTTPResponseStatusCodeKey, semconv.NetworkProtocolVersionKey,
		semconv.ServerAddressKey, semconv.ServerPortKey, semconv.URLTemplateKey,
	}, telemetry.ConventionalKeys)
	require.Equal(t, semconv.ErrorTypeOther.Value.AsString(), telemetry.Unclassified)
	w := newWorld(t)
	_, err := w.client.Datasources(t.Context())
	require.NoError(t, err)
	var convention httpconv.ClientRequestDuration
	for _, m := range w.collect() {
		require.Equal(t, convention.Name(), m.Name)
		require.Equal(t, convention.Unit(), m.Unit)
		require.Equal(t, convention.Description(), m.Description)
		bounds := m.Data.(metricdata.Histogram[float64]).DataPoints[0].Bounds
		for _, b := range []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10} {
			require.Contains(t, bounds, b, "the convention's own")
		}
		require.Equal(t, 300.0, slices.Max(bounds), "the longest that integrators saw")
	}
}

// A sentinel without a class would be told as _OTHER for ever.
func TestEachErrorHasAClass(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../errors.go", nil, 0)
	require.NoError(t, err)
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			word := regexp.MustCompile(`([A-Z])`).ReplaceAllString(strings.TrimPrefix(v.Names[0].Name, "Err"), "_$1")
			want = append(want, strings.ToLower(strings.TrimPrefix(word, "_")))
		}
		return true
	})
	require.Greater(t, len(want), 20)
	require.ElementsMatch(t, append(want, "canceled", "timeout"), telemetry.Classes())
	for err, want := range map[error]string{
		nil: "", errors.New("13800138000"): "_OTHER", context.Canceled: "canceled",
		&carrierfsm.Error{ID: "v1", Err: errors.Join(carrierfsm.ErrPending, carrierfsm.ErrStore)}: "store",
	} {
		require.Equal(t, want, telemetry.ClassOf(err))
	}
}

func TestOnlySoManyTransitionsAreRemembered(t *testing.T) {
	t.Parallel()
	k := keep(t)
	ctx, span := k.traces.Tracer("host").Start(context.Background(), "request")
	defer span.End()
	moved := k.Observer().Transition
	linked := func(step int) bool {
		_, end := k.Observer().Handle(context.Background(), carrierfsm.Handling{Handler: "notify", ID: "v1", Step: step})
		end(carrierfsm.Handled{})
		spans := k.spans.GetSpans()
		return len(spans[len(spans)-1].Links) == 1
	}
	for step := range telemetry.Remembered + 1 {
		moved(ctx, carrierfsm.Moved{ID: "v1", Step: step})
	}
	require.False(t, linked(0))
	require.True(t, linked(1))
	require.True(t, linked(telemetry.Remembered))
	require.Equal(t, telemetry.Remembered, k.Origins())
	moved(context.Background(), carrierfsm.Moved{ID: "v1", Step: -1})
	require.False(t, linked(-1), "it is part of no trace")
}
