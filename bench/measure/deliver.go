package main

import (
	"context"
	"io"

	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/tail"
)

// tailDrivers is the number of drivers of submissions beside a sweep.
const tailDrivers = 32

// measureDeliveries measures deliveries to handlers, and submissions beside these, in
// rounds of their own. It records failures in r.
func measureDeliveries(ctx context.Context, o options, provisioner *runner.Provisioner, r *report.Run, progress io.Writer) {
	d := o.preset
	for range min(d.rounds, 3) {
		for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
			for _, kind := range deliveries.On(m) {
				r.Deliveries = append(r.Deliveries, runJob[deliveries.Cost](ctx, o.only, provisioner, r, progress, runner.Job{
					Task: deliveries.Deliver, Rows: d.deliveries, Cell: runner.Cell{Kind: kind, Medium: m}, WarmUp: d.warmUp,
				})...)
			}
			for _, kind := range []string{deliveries.OneMachine, deliveries.TwoMachines} {
				r.Delays = append(r.Delays, runJob[deliveries.DelayCost](ctx, o.only, provisioner, r, progress, runner.Job{
					Task: deliveries.Delay, Cell: runner.Cell{Kind: kind, Medium: m},
				})...)
			}
			r.Tails = append(r.Tails, runJob[tail.Cost](ctx, o.only, provisioner, r, progress, runner.Job{
				Task: tail.Name, Rows: d.due, Cell: runner.Cell{Medium: m, Drivers: tailDrivers}, For: d.each, WarmUp: d.warmUp,
			})...)
		}
	}
}
