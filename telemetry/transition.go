package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// transitionKey has the attributes of verification.transitions.
type transitionKey struct {
	from   carrierfsm.State
	event  carrierfsm.Event
	to     carrierfsm.State
	source string
}

func (t transitionKey) option() metric.AddOption {
	return metric.WithAttributes(nonEmpty(
		stringAttr(attrFrom, t.from), stringAttr(attrEvent, t.event), stringAttr(attrTo, t.to), stringAttr(attrSource, t.source))...)
}

// stayKey has the attributes of verification.state.duration.
type stayKey struct{ state, to carrierfsm.State }

func (s stayKey) option() metric.RecordOption {
	return metric.WithAttributes(stringAttr(attrState, s.state), stringAttr(attrTo, s.to))
}

// transition implements Observer.Transition.
func (t *Telemetry) transition(ctx context.Context, m carrierfsm.TransitionDone) {
	t.commitSpans.add(transitionID{m.ID, m.Step}, trace.SpanContextFromContext(ctx))
	key := transitionKey{m.From, m.Event, m.To, t.sources.label(m.Source)}
	t.metrics.transitions.Add(ctx, 1, t.transitionOptions.get(key, transitionKey.option)...)
	if m.From != m.To && m.Dwell >= 0 {
		t.metrics.stay.Record(ctx, m.Dwell.Seconds(), t.stayOptions.get(stayKey{m.From, m.To}, stayKey.option)...)
	}
}
