package telemetry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/telemetry"
)

func TestTheOldestCommitSpansAreForgotten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, span := f.traces.Tracer("host").Start(context.Background(), "request")
	defer span.End()
	moved := f.Observer().Transition
	linked := func(step int) bool {
		_, end := f.HandlerObserver().Handle(context.Background(), outbox.HandleStart{Handler: "notify", ID: "v1", Step: step})
		end(outbox.HandleDone{})
		spans := f.spans.GetSpans()
		return len(spans[len(spans)-1].Links) == 1
	}
	for step := range telemetry.MaxCommitSpans + 1 {
		moved(ctx, carrierfsm.TransitionDone{ID: "v1", Step: step})
	}
	require.False(t, linked(0))
	require.True(t, linked(1))
	require.True(t, linked(telemetry.MaxCommitSpans))
	require.Equal(t, telemetry.MaxCommitSpans, f.CommitSpans())
	moved(context.Background(), carrierfsm.TransitionDone{ID: "v1", Step: -1})
	require.False(t, linked(-1), "it was committed outside of a trace")
}
