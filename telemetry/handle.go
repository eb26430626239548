package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// handled is what tells the lags of handlers apart.
type handled struct{ handler, failure string }

func (h handled) option() metric.RecordOption {
	return metric.WithAttributes(known(text(attrHandler, h.handler), text(attrError, h.failure))...)
}

// handle is Observer.Handle. The span begins a trace of its own, or is part of
// that which Run was called in; it is linked to the span in which the
// transition was committed, where that was lately and in this process.
func (t *Telemetry) handle(ctx context.Context, h carrierfsm.Handling) (context.Context, func(carrierfsm.Handled)) {
	options := []trace.SpanStartOption{trace.WithAttributes(
		text(attrHandler, h.Handler), text(attrID, h.ID), attrStep.Int(h.Step), text(attrEvent, h.Event))}
	if from, ok := t.origins.of(origin{h.ID, h.Step}); ok {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: from}))
	}
	ctx, span := t.tracer.Start(ctx, "carrierfsm.handle", options...)
	return ctx, func(done carrierfsm.Handled) {
		t.metrics.lag.Record(ctx, done.Lag.Seconds(), t.lags.of(handled{h.Handler, done.Why}, handled.option)...)
		mark(span, class{name: done.Why, ours: true})
		span.End()
	}
}
