package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// store implements Observer.Store. Without a parent it makes no span: else each
// poll of Run would be a trace of its own.
func (t *Telemetry) store(ctx context.Context, method string) (context.Context, func(error)) {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ctx, func(error) {}
	}
	var options []trace.SpanStartOption
	if shard := carrierfsm.ObservedShard(ctx); shard != "" {
		options = append(options, trace.WithAttributes(stringAttr(attrShard, shard)))
	}
	ctx, span := t.tracer.Start(ctx, "carrierfsm.store."+method, options...)
	return ctx, func(err error) {
		c := classOf(err)
		if c.name == unclassified {
			c = classOf(carrierfsm.ErrStore) // what every other error of a Store means, by its contract
		}
		setError(span, c)
		span.End()
	}
}
