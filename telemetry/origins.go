package telemetry

import (
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// remembered is of how many transitions it is known where they come from.
const remembered = 4096

// origin names a transition.
type origin struct {
	id   string
	step int
}

// origins are the spans in which this process committed its latest
// transitions, for the handlers' spans to be linked to.
type origins struct {
	mu    sync.Mutex
	spans map[origin]trace.SpanContext
	order [remembered]origin
	next  int
}

// note remembers where a transition comes from, and forgets the oldest one. A
// span that is not kept is not remembered either.
func (o *origins) note(of origin, span trace.SpanContext) {
	if !span.IsSampled() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.spans == nil {
		o.spans = make(map[origin]trace.SpanContext)
	}
	delete(o.spans, o.order[o.next])
	o.spans[of], o.order[o.next] = span, of
	o.next = (o.next + 1) % remembered
}

// of is where a transition comes from, if that is remembered.
func (o *origins) of(name origin) (trace.SpanContext, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	span, ok := o.spans[name]
	return span, ok
}
