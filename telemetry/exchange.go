package telemetry

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// exchange implements Observer.Exchange: a client span and a metric by the
// semantic conventions for HTTP. url.full is left out: it holds the org, and
// tokens. No trace context is added to the request: upstream is a third party.
func (t *Telemetry) exchange(ctx context.Context, e carrierfsm.ExchangeStart) func(carrierfsm.ExchangeDone) {
	request := nonEmpty(
		stringAttr(attrMethod, e.Method), stringAttr(attrServer, e.Host), attrPort.Int(e.Port), stringAttr(attrTemplate, e.Template))
	ctx, span := t.tracer.Start(ctx, e.Method+" "+e.Template,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(request...))
	began := time.Now()
	return func(done carrierfsm.ExchangeDone) {
		c := class{name: requestErrorType(done), failed: true}
		response := nonEmpty(attrStatus.Int(done.Status), stringAttr(attrProtocol, done.Version), stringAttr(attrError, c.name))
		t.metrics.exchange.Record(ctx, time.Since(began).Seconds(), metric.WithAttributes(append(request[:len(request):len(request)], response...)...))
		span.SetAttributes(response...)
		if done.NotSent {
			span.SetAttributes(attrNotSent.Bool(true))
		}
		setError(span, c)
		span.End()
	}
}

// requestErrorType returns the error.type of a request: the status code if that
// is what failed.
func requestErrorType(e carrierfsm.ExchangeDone) string {
	if e.Status >= 400 || e.Status > 0 && e.Failure == "status" {
		return strconv.Itoa(e.Status)
	}
	return e.Failure
}
