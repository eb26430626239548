package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// transition is what tells the counts of transitions apart.
type transition struct {
	from   carrierfsm.State
	event  carrierfsm.Event
	to     carrierfsm.State
	source string
}

func (t transition) option() metric.AddOption {
	return metric.WithAttributes(known(
		text(attrFrom, t.from), text(attrEvent, t.event), text(attrTo, t.to), text(attrSource, t.source))...)
}

// stay is what tells the times in a state apart.
type stay struct{ state, to carrierfsm.State }

func (s stay) option() metric.RecordOption {
	return metric.WithAttributes(text(attrState, s.state), text(attrTo, s.to))
}

// moved is Observer.Transition.
func (t *Telemetry) moved(ctx context.Context, m carrierfsm.Moved) {
	t.origins.note(origin{m.ID, m.Step}, trace.SpanContextFromContext(ctx))
	key := transition{m.From, m.Event, m.To, t.sources.name(m.Source)}
	t.metrics.transitions.Add(ctx, 1, t.transitions.of(key, transition.option)...)
	if m.From != m.To && m.Stay >= 0 {
		t.metrics.stay.Record(ctx, m.Stay.Seconds(), t.stays.of(stay{m.From, m.To}, stay.option)...)
	}
}
