package river

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Told is a job without work: a transition that a worker is told of.
type Told struct {
	ID    string `json:"id"`
	From  string `json:"from"`
	Event string `json:"event"`
	To    string `json:"to"`
}

// Kind implements river.JobArgs.
func (Told) Kind() string { return "told" }

// counting is a worker that counts its jobs.
type counting struct {
	river.WorkerDefaults[Told]
	left atomic.Int64
	all  chan struct{} // closed after the last one
}

// Work implements river.Worker.
func (w *counting) Work(context.Context, *river.Job[Told]) error {
	if w.left.Add(-1) == 0 {
		close(w.all)
	}
	return nil
}

// Deliver inserts n jobs, and then measures how long the workers take to get all of
// them.
func Deliver(ctx context.Context, p subject.Storage, n int) (took time.Duration, err error) {
	e := new(engine)
	if e.pool, err = newPool(ctx, p); err != nil {
		return 0, err
	}
	defer e.pool.Close()
	if err := e.migrate(ctx); err != nil {
		return 0, err
	}
	worker := &counting{all: make(chan struct{})}
	worker.left.Store(int64(n))
	workers := river.NewWorkers()
	river.AddWorker(workers, worker)
	if e.client, err = e.newClient(workers); err != nil {
		return 0, err
	}
	if err := e.insert(ctx, n); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := e.client.Start(context.WithoutCancel(ctx)); err != nil {
		return 0, err
	}
	select {
	case <-worker.all:
		took = time.Since(begun)
	case <-ctx.Done():
		err = ctx.Err()
	}
	return took, errors.Join(err, e.stop())
}

// insert inserts n jobs, some thousands at once.
func (e *engine) insert(ctx context.Context, n int) error {
	for n > 0 {
		jobs := make([]river.InsertManyParams, min(n, 5000))
		for i := range jobs {
			jobs[i].Args = Told{ID: "0197", From: "awaiting_captcha", Event: "collection_started", To: "done"}
		}
		if _, err := e.client.InsertManyFast(ctx, jobs); err != nil {
			return err
		}
		n -= len(jobs)
	}
	return nil
}

func newPool(ctx context.Context, p subject.Storage) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(p.DSN)
	if err != nil {
		return nil, err
	}
	config.MaxConns = poolSize
	return pgxpool.NewWithConfig(ctx, config)
}

func (e *engine) newClient(workers *river.Workers) (*client, error) {
	return river.NewClient(riverpgxv5.New(e.pool), &river.Config{
		Logger:        slog.New(slog.DiscardHandler),
		FetchCooldown: fetchEvery, FetchPollInterval: fetchEvery,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: maxWorkers}},
		Workers: workers,
	})
}

// stop waits for the jobs under way.
func (e *engine) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return e.client.Stop(ctx)
}
