package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// call is Observer.Call.
func (t *Telemetry) call(ctx context.Context, c carrierfsm.Calling) (context.Context, func(carrierfsm.Called)) {
	ctx, span := t.tracer.Start(ctx, "carrierfsm.call", trace.WithAttributes(known(
		text(attrID, c.ID), text(attrCall, c.Call), text(attrInput, c.Input), text(attrSource, t.sources.name(c.Source)))...))
	return ctx, func(c carrierfsm.Called) {
		mark(span, class{name: string(c.Fault), ours: true})
		span.End()
	}
}
