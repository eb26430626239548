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

	"github.com/carrierfsm/carrierfsm/bench/measure/peer/relay"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

const (
	queue    = "bench" // the task queue
	input    = "input" // the name of an update
	patience = 10 * time.Second
	// pollers is how many ask for tasks where it is tuned, of workflows and of
	// activities: four for each partition of the queue. Two are the default.
	pollers = 16
	// looks is how often a second the server may look for tasks of its shard where
	// it is tuned. The default is 20.
	looks = 100_000
)

// engine is a server, a client and a worker, which speak by loopback as they do
// elsewhere.
type engine struct {
	client.Client
	server *temporaltest.TestServer
}

// opener starts them: as temporaltest's README does, all by default (regular
// activities, sticky execution), or tuned. Nobody logs.
func opener(tuned bool) func(context.Context, subject.Place) (subject.Subject, error) {
	return func(context.Context, subject.Place) (subject.Subject, error) {
		e := new(engine)
		return e, caught(func() { e.start(tuned) })
	}
}

func (e *engine) start(tuned bool) {
	var server []temporaltest.TestServerOption
	var work worker.Options
	if tuned {
		server = append(server, temporaltest.WithBaseServerOptions(temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true, // temporaltest has it so
			dynamicconfig.TransferProcessorMaxPollRPS.Key():             looks,
		})))
		work = worker.Options{MaxConcurrentWorkflowTaskPollers: pollers, MaxConcurrentActivityTaskPollers: pollers}
	}
	e.server = temporaltest.NewServer(server...)
	e.Client = e.server.GetDefaultClient()
	e.server.NewWorkerWithOptions(queue, func(r worker.Registry) {
		r.RegisterWorkflow(plain)
		r.RegisterActivity(relay.Ask)
	}, work)
}

// caught returns what temporaltest panics with where it has no test to fail.
func caught(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("temporaltest: %v", p)
		}
	}()
	f()
	return nil
}

// plain is the workflow.
func plain(ctx workflow.Context) error {
	var answer relay.Answer
	answered := 0
	err := workflow.SetUpdateHandler(ctx, input, func(ctx workflow.Context, in relay.Input) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: patience})
		var next relay.Answer
		if err := workflow.ExecuteActivity(ctx, relay.Ask, answer, in).Get(ctx, &next); err != nil {
			return err
		}
		answer, answered = next, answered+1
		return nil
	})
	if err != nil {
		return err
	}
	return workflow.Await(ctx, func() bool { return answered == len(relay.Inputs()) && workflow.AllHandlersFinished(ctx) })
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	id := uuid.NewString()
	if _, err := e.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, plain); err != nil {
		return err
	}
	lap()
	for _, in := range relay.Inputs() {
		update, err := e.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: input, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
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

func (e *engine) Close() error { return caught(e.server.Stop) }
