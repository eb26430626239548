package telemetry_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

// process sets the providers of the process, which can be done once.
var process = sync.OnceValue(func() *kept {
	k := &kept{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(k.spans)))
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(k.reader)))
	return k
})

// Not parallel: the providers are the process's own. They are set last, as in
// a service that sets its SDK up after its other parts.
func TestTheZeroConfigUsesTheProvidersOfTheProcess(t *testing.T) {
	told, err := telemetry.New(telemetry.Config{})
	require.NoError(t, err)
	k := process()
	k.t = t
	_, end := told.Observer().Submit(context.Background(), carrierfsm.InputCancel)
	end(carrierfsm.Submitted{Outcome: carrierfsm.SubmitAccepted})
	require.Equal(t, []string{"carrierfsm.submit verification.input=cancel verification.outcome=accepted"}, k.tree())
	require.Len(t, k.points("verification.submissions"), 1)
}

func TestNewRefusesNegativeBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []telemetry.Config{{Sources: -1}, {Within: -1}} {
		_, err := telemetry.New(c)
		require.Error(t, err)
	}
}
