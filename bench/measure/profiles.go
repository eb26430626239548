package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// measureProfiles measures the engine and the baseline once more under a profiler,
// whose cost would distort the other figures. It records failures in r.
func measureProfiles(ctx context.Context, plan runner.Plan, provisioner *runner.Provisioner, r *report.Run, progress io.Writer) {
	plan.For *= 3 // the profiler takes only a hundred samples a second
	plan.Profile = filepath.Join(provisioner.Folder(), "cpu.out")
	for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
		for _, drivers := range report.ProfileDrivers {
			p := report.Profiles{Medium: m, Drivers: drivers, BaselineName: r.Baseline(m, drivers)}
			_, _ = fmt.Fprintf(progress, "profiles, %s, %d drivers\n", m, drivers)
			var err1, err2 error
			p.Ours, err1 = profileCell(ctx, plan, provisioner, runner.Cell{Kind: engine.Name, Medium: m, Drivers: drivers})
			p.Baseline, err2 = profileCell(ctx, plan, provisioner, runner.Cell{Kind: p.BaselineName, Medium: m, Drivers: drivers})
			if err := errors.Join(err1, err2); err != nil {
				r.Failures = append(r.Failures, err.Error())
				continue
			}
			r.Profiles = append(r.Profiles, p)
		}
	}
	shares, err := profileSubmit(ctx, plan.Profile)
	if err != nil {
		r.Failures = append(r.Failures, err.Error())
	}
	r.SubmitShares = shares
}

// profileSubmit measures whole Submits in memory, in this process.
func profileSubmit(ctx context.Context, path string) (profile.Shares, error) {
	if err := micro.ProfileSubmits(150_000, path); err != nil { // some seconds
		return nil, err
	}
	return profile.Of(ctx, path)
}

func profileCell(ctx context.Context, plan runner.Plan, provisioner *runner.Provisioner, c runner.Cell) (p report.CellProfile, err error) {
	if p.Sample, err = plan.One(ctx, provisioner, c); err == nil {
		p.Shares, err = profile.Of(ctx, plan.Profile)
	}
	return p, err
}
