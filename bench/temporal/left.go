package main

import (
	"context"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/carrierfsm/carrierfsm/bench/measure/peer/relay"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Left counts workflows, and the transitions in the results of activities.
func (e *engine) Left(ctx context.Context) (left subject.Left, err error) {
	for page := []byte(nil); ; {
		list, err := e.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: page})
		if err != nil {
			return left, err
		}
		for _, w := range list.GetExecutions() {
			left.Verifications++
			if w.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
				left.Done++
			}
			n, err := e.transitions(ctx, w.GetExecution())
			if err != nil {
				return left, err
			}
			left.Transitions += n
		}
		if page = list.GetNextPageToken(); len(page) == 0 {
			return left, nil
		}
	}
}

// transitions are those in the history of one workflow.
func (e *engine) transitions(ctx context.Context, w *common.WorkflowExecution) (n int, err error) {
	events := e.GetWorkflowHistory(ctx, w.GetWorkflowId(), w.GetRunId(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return n, err
		}
		for _, result := range event.GetActivityTaskCompletedEventAttributes().GetResult().GetPayloads() {
			n += relay.CountTransitions(string(result.GetData()))
		}
	}
	return n, nil
}
