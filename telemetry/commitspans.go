package telemetry

import (
	"sync"

	"go.opentelemetry.io/otel/trace"
)

// maxCommitSpans is how many transitions have their span kept.
const maxCommitSpans = 4096

// transitionID identifies a transition.
type transitionID struct {
	id   string
	step int
}

// commitSpans keeps the spans in which this process committed its latest
// transitions. The spans of handlers link to them.
type commitSpans struct {
	mu    sync.Mutex
	spans map[transitionID]trace.SpanContext
	order [maxCommitSpans]transitionID // a ring; next is the oldest
	next  int
}

// add keeps the span of a transition, and drops the oldest one. A span that is
// not sampled is not kept.
func (o *commitSpans) add(of transitionID, span trace.SpanContext) {
	if !span.IsSampled() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.spans == nil {
		o.spans = make(map[transitionID]trace.SpanContext)
	}
	delete(o.spans, o.order[o.next])
	o.spans[of], o.order[o.next] = span, of
	o.next = (o.next + 1) % maxCommitSpans
}

// get returns the span in which a transition was committed, if it is kept.
func (o *commitSpans) get(name transitionID) (trace.SpanContext, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	span, ok := o.spans[name]
	return span, ok
}
