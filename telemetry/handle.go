package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm/outbox"
)

// lagKey has the attributes of verification.handler.lag.
type lagKey struct{ handler, failure, shard string }

func (h lagKey) option() metric.RecordOption {
	return metric.WithAttributes(nonEmpty(stringAttr(attrHandler, h.handler), stringAttr(attrError, h.failure), stringAttr(attrShard, h.shard))...)
}

// handle implements Observer.Handle. The span is a child of the span that Run
// was called in; without one it begins a trace. It is linked to the span in
// which the transition was committed, if this process committed it recently.
func (t *Telemetry) handle(ctx context.Context, h outbox.HandleStart) (context.Context, func(outbox.HandleDone)) {
	options := []trace.SpanStartOption{trace.WithAttributes(nonEmpty(
		stringAttr(attrHandler, h.Handler), stringAttr(attrID, h.ID), attrStep.Int(h.Step), stringAttr(attrEvent, h.Event), stringAttr(attrShard, h.Shard))...)}
	if committed, ok := t.commitSpans.get(transitionID{h.ID, h.Step}); ok {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: committed}))
	}
	ctx, span := t.tracer.Start(ctx, "carrierfsm.handle", options...)
	return ctx, func(done outbox.HandleDone) {
		t.metrics.lag.Record(ctx, done.Lag.Seconds(), t.lagOptions.get(lagKey{h.Handler, done.Why, h.Shard}, lagKey.option)...)
		setError(span, class{name: done.Why, failed: true})
		span.End()
	}
}
