package river

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/looplab/fsm"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
)

const tables = `
CREATE TABLE verifications (id text PRIMARY KEY, state text NOT NULL, version bigint NOT NULL, token text NOT NULL,
	website text NOT NULL, message text NOT NULL, created timestamptz NOT NULL, updated timestamptz NOT NULL);
CREATE TABLE history (id text NOT NULL, step bigint NOT NULL, from_ text NOT NULL, event text NOT NULL, to_ text NOT NULL,
	at timestamptz NOT NULL, PRIMARY KEY (id, step));`

const (
	insert        = `INSERT INTO verifications VALUES ($1, 'created', 0, '', '', '', $2, $2)`
	load          = `SELECT state, version, token, website FROM verifications WHERE id = $1`
	update        = `UPDATE verifications SET state = $2, version = $3, token = $4, website = $5, message = $6, updated = $7 WHERE id = $1 AND version = $8`
	insertHistory = `INSERT INTO history VALUES ($1, $2, $3, $4, $5, $6)`
)

// worker runs the jobs.
type worker struct {
	river.WorkerDefaults[Step]
	*engine
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, job *river.Job[Step]) error {
	err := w.work(ctx, job)
	w.signals.Notify(job.Args.ID, err)
	return err
}

func (w *worker) work(ctx context.Context, job *river.Job[Step]) error {
	var before step.Result
	var state string
	var version int
	err := w.pool.QueryRow(ctx, load, job.Args.ID).Scan(&state, &version, &before.Token, &before.Website)
	if err != nil {
		return err
	}
	answer, err := step.Call(ctx, before, job.Args.Input)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		if err := write(ctx, tx, job.Args.ID, state, version, answer); err != nil {
			return err
		}
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
}

var table = micro.Table()

// write writes the transitions of a result.
func write(ctx context.Context, tx pgx.Tx, id, state string, version int, answer step.Result) error {
	now := time.Now()
	m, step := fsm.NewFSM(state, table, nil), version
	for _, event := range answer.Events {
		from := m.Current()
		if err := m.Event(ctx, string(event)); err != nil {
			return err
		}
		step++
		if _, err := tx.Exec(ctx, insertHistory, id, step, from, string(event), m.Current(), now); err != nil {
			return err
		}
	}
	tag, err := tx.Exec(ctx, update, id, m.Current(), step, answer.Token, answer.Website, answer.Message, now, version)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("river: version conflict")
	}
	return err
}
