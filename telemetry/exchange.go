package telemetry

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// exchange is Observer.Exchange: a client's span and metric by the semantic
// conventions for HTTP. url.full is left out: it holds the org, and tokens.
// Nothing is added to the request; a third party is no part of our trace.
func (t *Telemetry) exchange(ctx context.Context, e carrierfsm.Exchanging) func(carrierfsm.Exchanged) {
	place := known(
		text(attrMethod, e.Method), text(attrServer, e.Host), attrPort.Int(e.Port), text(attrTemplate, e.Template))
	ctx, span := t.tracer.Start(ctx, e.Method+" "+e.Template,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(place...))
	began := time.Now()
	return func(ended carrierfsm.Exchanged) {
		c := class{name: failureOf(ended), ours: true}
		answer := known(attrStatus.Int(ended.Status), text(attrProtocol, ended.Version), text(attrError, c.name))
		t.metrics.exchange.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(place[:len(place):len(place)], answer...)...))
		span.SetAttributes(answer...)
		if ended.NotSent {
			span.SetAttributes(attrNotSent.Bool(true))
		}
		mark(span, c)
		span.End()
	}
}

// failureOf is the class of error that a request ended with: the status code
// where that is what was wrong.
func failureOf(e carrierfsm.Exchanged) string {
	if e.Status >= 400 || e.Status > 0 && e.Failure == "status" {
		return strconv.Itoa(e.Status)
	}
	return e.Failure
}
