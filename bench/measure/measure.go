package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/dbos"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/machine"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// runAll measures and writes the documents; with -only it prints the results instead.
func runAll(ctx context.Context, o options, out, progress io.Writer) (err error) {
	provisioner, err := runner.NewProvisioner(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provisioner.Close()) }()
	r := report.Run{Preset: o.name, Rounds: o.rounds, Each: o.each.String()}
	if r.Machine, err = machine.Inspect(ctx, provisioner.Folder()); err != nil {
		return err
	}
	if r.Machine.Postgres, err = provisioner.Version(ctx); err != nil {
		return err
	}
	if err := measure(ctx, o, provisioner, &r, progress); err != nil {
		return err
	}
	if o.only.String() != "" {
		_, err = fmt.Fprint(out, r.Text())
	} else {
		err = writeDocuments(o.path, &r)
	}
	if len(r.Failures) > 0 {
		err = errors.Join(err, fmt.Errorf("%d measurements failed, the first: %s", len(r.Failures), r.Failures[0]))
	}
	return err
}

// writeDocuments writes the conclusions to path, and the tables to a file beside it:
// benchmarks-raw.md beside benchmarks.md.
func writeDocuments(path string, r *report.Run) error {
	raw := strings.TrimSuffix(path, ".md") + "-raw.md"
	return errors.Join(os.WriteFile(path, []byte(r.Document()), 0o644), os.WriteFile(raw, []byte(r.Raw()), 0o644))
}

// measure does all measurements and stores the results in r.
func measure(ctx context.Context, o options, provisioner *runner.Provisioner, r *report.Run, progress io.Writer) (err error) {
	if r.Kinds, r.Recipe, err = kinds(ctx); err != nil {
		return err
	}
	if r.Micro, err = micro.Rounds(ctx, o.rounds, o.micro); err != nil {
		return err
	}
	r.Kinds = append(r.Kinds, temporal.Kinds(nil)...)
	plan := newPlan(o, r.Kinds)
	buildTemporal(ctx, temporalModule, provisioner.Folder(), &plan, r, progress)
	r.Results = plan.Run(ctx, provisioner, progress)
	for _, c := range plan.Cells {
		if err := r.Results.Errors[c]; err != nil {
			r.Failures = append(r.Failures, err.Error())
		}
	}
	measureConcurrency(ctx, o, provisioner, r, progress)
	measureDeliveries(ctx, o, provisioner, r, progress)
	if o.only.String() == "" {
		measureProfiles(ctx, plan, provisioner, r, progress)
	}
	return ctx.Err()
}

// newPlan returns the plan of the rounds.
func newPlan(o options, kinds []subject.Kind) runner.Plan {
	plan := runner.Plan{Rounds: o.rounds, For: o.each, WarmUp: o.warmUp, Profile: o.profile}
	for _, c := range cells(kinds) {
		if !o.isWanted(c) {
			continue
		}
		plan.Cells = append(plan.Cells, c)
		if temporal.Is(c.Kind) || c.Kind == dbos.Name && c.Medium == sqliteFull {
			plan.Slow = append(plan.Slow, c)
		}
	}
	return plan
}
