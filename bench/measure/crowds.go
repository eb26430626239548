package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// crowds measures what takes many verifications. What fails it notes.
func crowds(ctx context.Context, d dose, places *lab.Places, r *report.Run, progress io.Writer) {
	for range min(d.rounds, 3) {
		r.Waiting = append(r.Waiting, job[crowd.Held](ctx, places, r, progress, lab.Job{Task: crowd.Wait, Rows: d.waiting, Cell: lab.Cell{Medium: subject.Memory}})...)
	}
	for _, how := range []string{"", crowd.OverHTTP} {
		r.Slow = append(r.Slow, job[crowd.Flown](ctx, places, r, progress, lab.Job{
			Task: crowd.Slow, Rows: d.flying, Cell: lab.Cell{Kind: how, Medium: subject.SQLiteFull}, For: 5 * time.Second, WarmUp: time.Second,
		})...)
	}
	r.Growth = make(map[subject.Medium][]scale.Grown)
	for _, rows := range d.rows {
		for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
			r.Growth[m] = append(r.Growth[m], job[scale.Grown](ctx, places, r, progress, lab.Job{
				Task: scale.Growth, Rows: rows, Cell: lab.Cell{Medium: m, Drivers: report.GrowthDrivers}, For: 3 * d.each, WarmUp: d.warmUp,
			})...)
		}
	}
}

// job has one job done in a place of its own, and returns its result; none if
// it failed.
func job[T any](ctx context.Context, places *lab.Places, r *report.Run, progress io.Writer, j lab.Job) []T {
	_, _ = fmt.Fprintf(progress, "%s, %s, %d verifications\n", j.Task, j.Medium, j.Rows)
	place, remove, err := places.New(ctx, j.Medium, max(j.Drivers, 1))
	var result T
	if err == nil {
		j.Place = place
		err = errors.Join(lab.Run(ctx, j, &result), remove())
	}
	if err != nil {
		_, _ = fmt.Fprintln(progress, err)
		r.Failures = append(r.Failures, err.Error())
		return nil
	}
	return []T{result}
}
