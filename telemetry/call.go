package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// call implements Observer.Call.
func (t *Telemetry) call(ctx context.Context, c carrierfsm.CallStart) (context.Context, func(carrierfsm.CallDone)) {
	ctx, span := t.tracer.Start(ctx, "carrierfsm.call", trace.WithAttributes(nonEmpty(
		stringAttr(attrID, c.ID), stringAttr(attrCall, c.Call), stringAttr(attrInput, c.Input), stringAttr(attrSource, t.sources.label(c.Source)))...))
	return ctx, func(c carrierfsm.CallDone) {
		setError(span, class{name: string(c.Fault), failed: true})
		span.End()
	}
}
