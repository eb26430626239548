// Package dbos is dbos-inc/dbos-transact-golang: a workflow receives a message for
// each submission and calls upstream in a step.
package dbos

import (
	"context"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // its backend on SQLite
	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is the subject's name in the report.
const Name = "dbos-inc/dbos-transact-golang"

// Kind returns the subject. On SQLite synchronous is FULL instead of DBOS's default,
// NORMAL.
func Kind() subject.Kind {
	return subject.Kind{
		Name: Name, Media: []subject.Medium{subject.SQLiteFull, subject.Postgres}, Transitions: len(step.Transitions), Open: open,
	}
}

// topic is the topic of the messages, and receiveTimeout bounds the wait for one.
const (
	topic          = "input"
	receiveTimeout = 5 * time.Minute
)

type engine struct {
	dbos.Context
	signals step.Signals
	storage subject.Storage
}

// open starts DBOS with its defaults.
func open(_ context.Context, p subject.Storage) (subject.Subject, error) {
	url := p.DSN
	if p.Medium.SQLite() {
		url = "sqlite:file:" + p.File + "?_pragma=synchronous(" + p.Medium.Synchronous() + ")"
	}
	ctx, err := dbos.NewContext(context.Background(), dbos.Config{
		DatabaseURL: url, AppName: "bench", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	e := &engine{Context: ctx, storage: p}
	dbos.RegisterWorkflow(ctx, e.plain, dbos.WithWorkflowName("plain"))
	return e, dbos.Launch(ctx)
}

// plain is the workflow.
func (e *engine) plain(ctx dbos.Context, id string) (step.Result, error) {
	var answer step.Result
	for range step.Inputs() {
		in, err := dbos.Recv[step.Input](ctx, topic, receiveTimeout)
		if err != nil {
			return answer, err
		}
		before := answer
		answer, err = dbos.RunAsStep(ctx, func(ctx context.Context) (step.Result, error) { return step.Call(ctx, before, in) })
		e.signals.Notify(id, err) // the step's result is stored
		if err != nil {
			return answer, err
		}
	}
	return answer, nil
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	id := uuid.NewString()
	signal, unsubscribe := e.signals.Subscribe(id)
	defer unsubscribe()
	if _, err := dbos.RunWorkflow(e.Context, e.plain, id, dbos.WithWorkflowID(id)); err != nil {
		return err
	}
	lap()
	for _, in := range step.Inputs() {
		if err := dbos.Send(e.Context, id, in, topic); err != nil {
			return err
		}
		if err := step.Wait(ctx, signal); err != nil {
			return err
		}
		lap()
	}
	return nil
}

func (e *engine) Close() error { return dbos.Shutdown(e.Context, 10*time.Second) }
