package main

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Count counts the workflows, and the transitions in the results of their activities.
func (e *engine) Count(ctx context.Context) (counts subject.Counts, err error) {
	for page := []byte(nil); ; {
		list, err := e.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: page})
		if err != nil {
			return counts, err
		}
		for _, w := range list.GetExecutions() {
			counts.Verifications++
			if w.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
				counts.Done++
			}
			n, err := e.countTransitions(ctx, w.GetExecution())
			if err != nil {
				return counts, err
			}
			counts.Transitions += n
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return counts, nil
		}
	}
}

// countTransitions counts those in the history of one workflow.
func (e *engine) countTransitions(ctx context.Context, w *common.WorkflowExecution) (n int, err error) {
	events := e.GetWorkflowHistory(ctx, w.GetWorkflowId(), w.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return n, err
		}
		for _, result := range event.GetActivityTaskCompletedEventAttributes().GetResult().GetPayloads() {
			n += step.CountTransitions(string(result.GetData()))
		}
	}
	return n, nil
}
