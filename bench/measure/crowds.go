package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// crowds measures what takes many verifications. What fails it notes.
func crowds(ctx context.Context, o options, places *lab.Places, r *report.Run, progress io.Writer) {
	d := o.dose
	for range min(d.rounds, 3) {
		r.Waiting = append(r.Waiting, job[crowd.Held](ctx, o.only, places, r, progress, lab.Job{Task: crowd.Wait, Rows: d.waiting, Cell: lab.Cell{Medium: subject.Memory}})...)
	}
	for _, how := range []string{"", crowd.OverHTTP} {
		r.Slow = append(r.Slow, job[crowd.Flown](ctx, o.only, places, r, progress, lab.Job{
			Task: crowd.Slow, Rows: d.flying, Cell: lab.Cell{Kind: how, Medium: subject.SQLiteFull}, For: 5 * time.Second, WarmUp: time.Second,
		})...)
	}
	r.Growth = make(map[subject.Medium][]scale.Grown)
	for _, rows := range d.rows {
		for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
			r.Growth[m] = append(r.Growth[m], job[scale.Grown](ctx, o.only, places, r, progress, lab.Job{
				Task: scale.Growth, Rows: rows, Cell: lab.Cell{Medium: m, Drivers: report.GrowthDrivers}, For: 3 * d.each, WarmUp: d.warmUp,
			})...)
		}
	}
}

// job has one job done in a place of its own, and returns its result; none if
// it failed or is not wanted.
func job[T any](ctx context.Context, only *regexp.Regexp, places *lab.Places, r *report.Run, progress io.Writer, j lab.Job) []T {
	name := fmt.Sprintf("%s, %s, %d verifications", strings.TrimSpace(j.Task+" "+j.Kind), j.Medium, j.Rows)
	if !only.MatchString(name) {
		return nil
	}
	_, _ = fmt.Fprintln(progress, name)
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
