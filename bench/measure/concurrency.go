package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// measureConcurrency measures with many verifications: waiting ones, slow calls, and
// large stores. It records failures in r.
func measureConcurrency(ctx context.Context, o options, provisioner *runner.Provisioner, r *report.Run, progress io.Writer) {
	d := o.preset
	for range min(d.rounds, 3) {
		r.Waiting = append(r.Waiting, runJob[concurrency.WaitingCost](ctx, o.only, provisioner, r, progress, runner.Job{Task: concurrency.Wait, Rows: d.waiting, Cell: runner.Cell{Medium: subject.Memory}})...)
	}
	for _, kind := range []string{"", concurrency.OverHTTP} {
		r.Slow = append(r.Slow, runJob[concurrency.SlowCost](ctx, o.only, provisioner, r, progress, runner.Job{
			Task: concurrency.Slow, Rows: d.slow, Cell: runner.Cell{Kind: kind, Medium: subject.SQLiteFull}, For: 5 * time.Second, WarmUp: time.Second,
		})...)
	}
	r.Growth = make(map[subject.Medium][]scale.GrowthCost)
	for _, rows := range d.rows {
		for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
			r.Growth[m] = append(r.Growth[m], runJob[scale.GrowthCost](ctx, o.only, provisioner, r, progress, runner.Job{
				Task: scale.Growth, Rows: rows, Cell: runner.Cell{Medium: m, Drivers: report.GrowthDrivers}, For: 3 * d.each, WarmUp: d.warmUp,
			})...)
		}
	}
}

// runJob runs one job on new storage, and returns its result; none if it failed or
// does not match only.
func runJob[T any](ctx context.Context, only *regexp.Regexp, provisioner *runner.Provisioner, r *report.Run, progress io.Writer, j runner.Job) []T {
	name := fmt.Sprintf("%s, %s, %d verifications", strings.TrimSpace(j.Task+" "+j.Kind), j.Medium, j.Rows)
	if !only.MatchString(name) {
		return nil
	}
	_, _ = fmt.Fprintln(progress, name)
	storage, remove, err := provisioner.New(ctx, j.Medium, max(j.Drivers, 1))
	var result T
	if err == nil {
		j.Storage = storage
		err = errors.Join(runner.Run(ctx, j, &result), remove())
	}
	if err != nil {
		_, _ = fmt.Fprintln(progress, err)
		r.Failures = append(r.Failures, err.Error())
		return nil
	}
	return []T{result}
}
