package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// store is Observer.Store. It makes a span only within another one: what Run
// asks the store again and again is nobody's trace.
func (t *Telemetry) store(ctx context.Context, method string) (context.Context, func(error)) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, "carrierfsm.store."+method)
	return ctx, func(err error) {
		mark(span, classOf(err))
		span.End()
	}
}
