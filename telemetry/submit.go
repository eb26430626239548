package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// submission is what tells the counts of submissions apart.
type submission struct {
	input   carrierfsm.InputKind
	outcome carrierfsm.SubmitOutcome
	source  string
	failure string
}

func (s submission) option() metric.AddOption {
	return metric.WithAttributes(known(
		text(attrInput, s.input), text(attrOutcome, s.outcome), text(attrSource, s.source), text(attrError, s.failure))...)
}

// submit is Observer.Submit. The span is a child of the caller's also where it
// outlives that, which the attribute detached tells then.
func (t *Telemetry) submit(ctx context.Context, in carrierfsm.InputKind) (context.Context, func(carrierfsm.Submitted)) {
	caller := ctx
	ctx, span := t.tracer.Start(ctx, "carrierfsm.submit", trace.WithAttributes(text(attrInput, in)))
	return ctx, func(s carrierfsm.Submitted) {
		defer span.End()
		c, source := classOfSubmission(s), t.sources.name(s.Source)
		t.metrics.submissions.Add(ctx, 1, t.submissions.of(submission{in, s.Outcome, source, c.name}, submission.option)...)
		if !span.IsRecording() {
			return
		}
		span.SetAttributes(known(
			text(attrID, s.ID), attrStep.Int(s.Step), text(attrState, s.State), text(attrSource, source),
			text(attrOutcome, s.Outcome), text(attrEvent, s.Event))...)
		if caller.Err() != nil {
			span.SetAttributes(attrDetached.Bool(true))
		}
		mark(span, c)
	}
}

// classOfSubmission is the class of what kept a submission from its outcome.
func classOfSubmission(s carrierfsm.Submitted) class {
	switch s.Outcome {
	case carrierfsm.SubmitAccepted, carrierfsm.SubmitRejected:
		return class{}
	case carrierfsm.SubmitRefused:
		return classOf(s.Err)
	}
	c := class{name: string(s.Outcome), ours: true}
	if s.Err != nil {
		c.name = classOf(s.Err).name
	}
	return c
}
