package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/carrierfsm/carrierfsm"
)

// submissionKey has the attributes of verification.submissions.
type submissionKey struct {
	input   carrierfsm.InputKind
	outcome carrierfsm.SubmitOutcome
	source  string
	failure string
}

func (s submissionKey) option() metric.AddOption {
	return metric.WithAttributes(nonEmpty(
		stringAttr(attrInput, s.input), stringAttr(attrOutcome, s.outcome), stringAttr(attrSource, s.source), stringAttr(attrError, s.failure))...)
}

// submit implements Observer.Submit. The span is a child of the caller's span
// even if it ends later; the attribute detached says that the caller's context
// ended first.
func (t *Telemetry) submit(ctx context.Context, in carrierfsm.InputKind) (context.Context, func(carrierfsm.SubmitDone)) {
	caller := ctx
	ctx, span := t.tracer.Start(ctx, "carrierfsm.submit", trace.WithAttributes(stringAttr(attrInput, in)))
	return ctx, func(s carrierfsm.SubmitDone) {
		defer span.End()
		c, source := classOfSubmission(s), t.sources.label(s.Source)
		t.metrics.submissions.Add(ctx, 1, t.submissionOptions.get(submissionKey{in, s.Outcome, source, c.name}, submissionKey.option)...)
		if !span.IsRecording() {
			return
		}
		span.SetAttributes(nonEmpty(
			stringAttr(attrID, s.ID), attrStep.Int(s.Step), stringAttr(attrState, s.State), stringAttr(attrSource, source),
			stringAttr(attrOutcome, s.Outcome), stringAttr(attrEvent, s.Event))...)
		if caller.Err() != nil {
			span.SetAttributes(attrDetached.Bool(true))
		}
		setError(span, c)
	}
}

// classOfSubmission returns the class of error of a submission; the zero class
// for one that upstream accepted or rejected.
func classOfSubmission(s carrierfsm.SubmitDone) class {
	switch s.Outcome {
	case carrierfsm.SubmitAccepted, carrierfsm.SubmitRejected:
		return class{}
	case carrierfsm.SubmitRefused:
		return classOf(s.Err)
	}
	c := class{name: string(s.Outcome), failed: true}
	if s.Err != nil {
		c.name = classOf(s.Err).name
	}
	return c
}
