// Package dbos is dbos-inc/dbos-transact-golang: a workflow receives a message a
// submission and calls upstream in a step.
package dbos

import (
	"context"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite" // its backend on SQLite
	"github.com/google/uuid"

	"github.com/carrierfsm/carrierfsm/bench/measure/peer/relay"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is what the report calls it.
const Name = "dbos-inc/dbos-transact-golang"

// Kind is the subject. On SQLite synchronous is FULL, where DBOS would have NORMAL.
func Kind() subject.Kind {
	return subject.Kind{
		Name: Name, Media: []subject.Medium{subject.SQLiteFull, subject.Postgres}, Transitions: len(relay.Transitions), Open: open,
	}
}

// topic is that of the messages, and patience how long one is waited for.
const (
	topic    = "input"
	patience = 5 * time.Minute
)

type engine struct {
	dbos.Context
	words relay.Words
	place subject.Place
}

// open launches DBOS with its defaults.
func open(_ context.Context, p subject.Place) (subject.Subject, error) {
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
	e := &engine{Context: ctx, place: p}
	dbos.RegisterWorkflow(ctx, e.plain, dbos.WithWorkflowName("plain"))
	return e, dbos.Launch(ctx)
}

// plain is the workflow.
func (e *engine) plain(ctx dbos.Context, id string) (relay.Answer, error) {
	var answer relay.Answer
	for range relay.Inputs() {
		in, err := dbos.Recv[relay.Input](ctx, topic, patience)
		if err != nil {
			return answer, err
		}
		before := answer
		answer, err = dbos.RunAsStep(ctx, func(ctx context.Context) (relay.Answer, error) { return relay.Ask(ctx, before, in) })
		e.words.Tell(id, err) // the step's result is stored by now
		if err != nil {
			return answer, err
		}
	}
	return answer, nil
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	id := uuid.NewString()
	word, forget := e.words.Expect(id)
	defer forget()
	if _, err := dbos.RunWorkflow(e.Context, e.plain, id, dbos.WithWorkflowID(id)); err != nil {
		return err
	}
	lap()
	for _, in := range relay.Inputs() {
		if err := dbos.Send(e.Context, id, in, topic); err != nil {
			return err
		}
		if err := relay.Wait(ctx, word); err != nil {
			return err
		}
		lap()
	}
	return nil
}

func (e *engine) Close() error { return dbos.Shutdown(e.Context, 10*time.Second) }
