package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/machine"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/dbos"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// everything measures and writes the documents, or, if only some cells are
// wanted, prints the results.
func everything(ctx context.Context, o options, out, progress io.Writer) (err error) {
	places, err := lab.NewPlaces(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, places.Close()) }()
	r := report.Run{Dose: o.name, Rounds: o.rounds, Each: o.each.String()}
	if r.Machine, err = machine.Look(ctx, places.Folder()); err != nil {
		return err
	}
	if r.Machine.Postgres, err = places.Version(ctx); err != nil {
		return err
	}
	if err := measure(ctx, o, places, &r, progress); err != nil {
		return err
	}
	if o.only.String() != "" {
		_, err = fmt.Fprint(out, r.Text())
	} else {
		err = errors.Join(os.WriteFile(o.path, []byte(r.Document()), 0o644), os.WriteFile(rawPath(o.path), []byte(r.Raw()), 0o644))
	}
	if len(r.Failures) > 0 {
		err = errors.Join(err, fmt.Errorf("%d measurements failed, the first: %s", len(r.Failures), r.Failures[0]))
	}
	return err
}

// rawPath is where the tables go: benchmarks-raw.md beside benchmarks.md.
func rawPath(document string) string {
	return strings.TrimSuffix(document, ".md") + "-raw.md"
}

// measure fills in what there is to find.
func measure(ctx context.Context, o options, places *lab.Places, r *report.Run, progress io.Writer) (err error) {
	if r.Kinds, r.Recipe, err = kinds(ctx); err != nil {
		return err
	}
	if r.Micro, err = micro.Rounds(ctx, o.rounds, o.micro); err != nil {
		return err
	}
	r.Kinds = append(r.Kinds, temporal.Kinds(nil)...)
	plan := planned(o, r.Kinds)
	elsewhere(ctx, temporalModule, places.Folder(), &plan, r, progress)
	r.Results = plan.Run(ctx, places, progress)
	for _, c := range plan.Cells {
		if err := r.Results.Errors[c]; err != nil {
			r.Failures = append(r.Failures, err.Error())
		}
	}
	crowds(ctx, o, places, r, progress)
	if o.only.String() == "" {
		profiles(ctx, plan, places, r, progress)
	}
	return ctx.Err()
}

// planned is what is measured once a round.
func planned(o options, kinds []subject.Kind) lab.Plan {
	plan := lab.Plan{Rounds: o.rounds, For: o.each, WarmUp: o.warmUp, Profile: o.profile}
	for _, c := range cells(kinds) {
		if !o.wants(c) {
			continue
		}
		plan.Cells = append(plan.Cells, c)
		if temporal.Is(c.Kind) || c.Kind == dbos.Name && c.Medium == sqliteFull {
			plan.Slow = append(plan.Slow, c)
		}
	}
	return plan
}
