package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/temporaltest"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

const (
	taskQueue       = "bench"
	updateName      = "input"
	activityTimeout = 10 * time.Second

	// pollers is the tuned number of pollers, for workflow tasks and for activity
	// tasks: four for each partition of the queue. The default is two.
	pollers = 16
	// maxPollRPS is how often per second the tuned server may poll for tasks of its
	// shard. The default is 20.
	maxPollRPS = 100_000
)

// engine is a server, a client and a worker, which communicate by gRPC over loopback.
type engine struct {
	client.Client
	server *temporaltest.TestServer
}

// opener returns a function that starts an engine: tuned, or with all defaults, as in
// temporaltest's README (regular activities, sticky execution). Logging is off.
func opener(tuned bool) func(context.Context, subject.Storage) (subject.Subject, error) {
	return func(context.Context, subject.Storage) (subject.Subject, error) {
		e := new(engine)
		return e, recovered(func() { e.start(tuned) })
	}
}

func (e *engine) start(tuned bool) {
	var serverOptions []temporaltest.TestServerOption
	var workerOptions worker.Options
	if tuned {
		serverOptions = append(serverOptions, temporaltest.WithBaseServerOptions(temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true, // as temporaltest sets it
			dynamicconfig.TransferProcessorMaxPollRPS.Key():             maxPollRPS,
		})))
		workerOptions = worker.Options{MaxConcurrentWorkflowTaskPollers: pollers, MaxConcurrentActivityTaskPollers: pollers}
	}
	e.server = temporaltest.NewServer(serverOptions...)
	e.Client = e.server.GetDefaultClient()
	e.server.NewWorkerWithOptions(taskQueue, func(r worker.Registry) {
		r.RegisterWorkflow(verification)
		r.RegisterActivity(step.Call)
	}, workerOptions)
}

// recovered calls f and returns its panic as an error: without a *testing.T,
// temporaltest panics on errors.
func recovered(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("temporaltest: %v", p)
		}
	}()
	f()
	return nil
}

// verification is the workflow.
func verification(ctx workflow.Context) error {
	var result step.Result
	handled := 0
	err := workflow.SetUpdateHandler(ctx, updateName, func(ctx workflow.Context, in step.Input) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: activityTimeout})
		var next step.Result
		if err := workflow.ExecuteActivity(ctx, step.Call, result, in).Get(ctx, &next); err != nil {
			return err
		}
		result, handled = next, handled+1
		return nil
	})
	if err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return handled == len(step.Inputs()) && workflow.AllHandlersFinished(ctx) })
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	id := uuid.NewString()
	if _, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: taskQueue}, verification); err != nil {
		return err
	}
	lap()
	for _, in := range step.Inputs() {
		update, err := e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: updateName, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err != nil {
			return err
		}
		if err := update.Get(ctx, nil); err != nil {
			return err
		}
		lap()
	}
	return nil
}

func (e *engine) Close() error { return recovered(e.server.Stop) }
