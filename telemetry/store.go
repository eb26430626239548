package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// store is Observer.Store. It makes a span only within another one: what Run
// asks the store again and again is nobody's trace.
func (t *Telemetry) store(ctx context.Context, method string) (context.Context, func(error)) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, "carrierfsm.store."+method)
	return ctx, func(err error) {
		c := classOf(err)
		if c.name == unclassified {
			c = classOf(carrierfsm.ErrStore) // by the contract of Store
		}
		mark(span, c)
		span.End()
	}
}
