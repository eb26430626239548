// Package river is riverqueue/river: each submission is a job, which calls
// upstream and completes itself in the transaction that writes the transitions.
package river

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is the subject's name in the report.
const Name = "riverqueue/river, tuned"

// Kind returns the subject.
func Kind() subject.Kind {
	return subject.Kind{Name: Name, Media: []subject.Medium{subject.Postgres}, Transitions: len(step.Transitions), Open: open}
}

// It is tuned to fetch as often as possible. The defaults are every 100 ms at most,
// and every second without a notification.
const (
	fetchEvery = river.FetchPollIntervalMin
	maxWorkers = 100
	poolSize   = 20
)

// Step is a job: one submission.
type Step struct {
	ID    string     `json:"id"`
	Input step.Input `json:"input"`
}

// Kind implements river.JobArgs.
func (Step) Kind() string { return "step" }

type client = river.Client[pgx.Tx]

type engine struct {
	pool    *pgxpool.Pool
	client  *client
	signals step.Signals
}

func open(ctx context.Context, p subject.Storage) (_ subject.Subject, err error) {
	e := new(engine)
	if e.pool, err = newPool(ctx, p); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			e.pool.Close()
		}
	}()
	if err := e.migrate(ctx); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{engine: e})
	if e.client, err = e.newClient(workers); err != nil {
		return nil, err
	}
	return e, e.client.Start(context.Background())
}

func (e *engine) migrate(ctx context.Context) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(e.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = e.pool.Exec(ctx, tables)
	return err
}

func (e *engine) Verify(ctx context.Context, lap func()) error {
	id := uuid.NewString()
	signal, unsubscribe := e.signals.Subscribe(id)
	defer unsubscribe()
	if _, err := e.pool.Exec(ctx, insert, id, time.Now()); err != nil {
		return err
	}
	lap()
	for _, in := range step.Inputs() {
		if _, err := e.client.Insert(ctx, Step{ID: id, Input: in}, nil); err != nil {
			return err
		}
		if err := step.Wait(ctx, signal); err != nil {
			return err
		}
		lap()
	}
	return nil
}

// Count implements subject.Subject.
func (e *engine) Count(ctx context.Context) (left subject.Counts, err error) {
	const query = `SELECT count(*), count(*) FILTER (WHERE state = 'done'), (SELECT count(*) FROM history) FROM verifications`
	err = e.pool.QueryRow(ctx, query).Scan(&left.Verifications, &left.Done, &left.Transitions)
	return left, err
}

// Close implements subject.Subject.
func (e *engine) Close() error {
	defer e.pool.Close()
	return e.stop()
}
