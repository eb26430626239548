// Package goworkflows is cschleiden/go-workflows on its SQLite backend: a workflow
// waits for a signal for each submission and calls upstream in an activity.
package goworkflows

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/history"
	"github.com/cschleiden/go-workflows/backend/monoprocess"
	"github.com/cschleiden/go-workflows/backend/sqlite"
	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/cschleiden/go-workflows/workflow"
	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is the subject's name in the report.
const Name = "cschleiden/go-workflows"

// Kind returns the subject. Its SQLite backend keeps SQLite's default for
// synchronous, FULL.
func Kind() subject.Kind {
	return subject.Kind{Name: Name, Media: []subject.Medium{subject.SQLiteFull}, Transitions: len(step.Transitions), Open: open}
}

type engine struct {
	backend backend.Backend
	client  *client.Client
	stop    context.CancelFunc
	worker  *worker.Worker
	signals step.Signals
	file    string
}

// open starts a worker with default options in this process. The monoprocess backend
// wakes workers at once; without it they would poll every 200 ms.
func open(_ context.Context, p subject.Storage) (subject.Subject, error) {
	silent := sqlite.WithBackendOptions(backend.WithLogger(slog.New(slog.DiscardHandler)))
	b := monoprocess.NewMonoprocessBackend(sqlite.NewSqliteBackend(p.File, silent))
	e := &engine{backend: b, client: client.New(b), worker: worker.New(b, nil), file: p.File}
	ctx, end := context.WithCancel(context.Background())
	e.stop = end
	return e, errors.Join(e.worker.RegisterWorkflow(e.plain), e.worker.RegisterActivity(step.Call), e.worker.Start(ctx))
}

// plain is the workflow.
func (e *engine) plain(ctx workflow.Context) error {
	inputs := workflow.NewSignalChannel[step.Input](ctx, "input")
	var answer step.Result
	for range step.Inputs() {
		in, _ := inputs.Receive(ctx)
		var err error
		// The activity's result is stored before the workflow continues.
		answer, err = workflow.ExecuteActivity[step.Result](ctx, workflow.DefaultActivityOptions, step.Call, answer, in).Get(ctx)
		if !workflow.Replaying(ctx) {
			e.signals.Notify(workflow.WorkflowInstance(ctx).InstanceID, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	id := uuid.NewString()
	signal, unsubscribe := e.signals.Subscribe(id)
	defer unsubscribe()
	if _, err := e.client.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: id}, e.plain); err != nil {
		return err
	}
	lap()
	for _, in := range step.Inputs() {
		if err := e.client.SignalWorkflow(ctx, id, "input", in); err != nil {
			return err
		}
		if err := step.Wait(ctx, signal); err != nil {
			return err
		}
		lap()
	}
	return nil
}

// Count counts workflows, and the transitions in the results of activities.
func (e *engine) Count(ctx context.Context) (left subject.Counts, err error) {
	db, err := sql.Open("sqlite", "file:"+e.file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return left, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	const workflows = `SELECT count(*), count(completed_at) FROM instances`
	if err := db.QueryRowContext(ctx, workflows).Scan(&left.Verifications, &left.Done); err != nil {
		return left, err
	}
	left.Transitions, err = transitions(ctx, db)
	return left, err
}

func transitions(ctx context.Context, db *sql.DB) (n int, err error) {
	const results = `SELECT a.data FROM history h JOIN attributes a USING (id, instance_id, execution_id) WHERE h.event_type = ?`
	rows, err := db.QueryContext(ctx, results, history.EventType_ActivityCompleted)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var data []byte
		var completed history.ActivityCompletedAttributes
		if err := errors.Join(rows.Scan(&data), json.Unmarshal(data, &completed)); err != nil {
			return n, err
		}
		n += step.CountTransitions(string(completed.Result))
	}
	return n, rows.Err()
}

func (e *engine) Close() error {
	e.stop()
	return errors.Join(e.worker.WaitForCompletion(), e.backend.Close())
}
