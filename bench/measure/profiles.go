package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// profiles drives the engine and the limit once more, under a profiler, which
// costs a little and is in no other figure. What fails it notes.
func profiles(ctx context.Context, plan lab.Plan, places *lab.Places, r *report.Run, progress io.Writer) {
	plan.For *= 3 // a hundred samples a second are few
	plan.Profile = filepath.Join(places.Folder(), "cpu.out")
	for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres} {
		p := report.Profiles{Medium: m, Which: r.Limit(m, report.ProfileDrivers)}
		_, _ = fmt.Fprintf(progress, "profiles, %s\n", m)
		var err1, err2 error
		p.Ours, err1 = profiled(ctx, plan, places, lab.Cell{Kind: engine.Name, Medium: m, Drivers: report.ProfileDrivers})
		p.Limit, err2 = profiled(ctx, plan, places, lab.Cell{Kind: p.Which, Medium: m, Drivers: report.ProfileDrivers})
		if err := errors.Join(err1, err2); err != nil {
			r.Failures = append(r.Failures, err.Error())
			continue
		}
		r.Profiles = append(r.Profiles, p)
	}
}

func profiled(ctx context.Context, plan lab.Plan, places *lab.Places, c lab.Cell) (p report.Profiled, err error) {
	if p.Sample, err = plan.One(ctx, places, c); err == nil {
		p.Shares, err = profile.Of(ctx, plan.Profile)
	}
	return p, err
}
