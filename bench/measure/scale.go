package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/machine"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/shards"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// measureScale measures several primaries, and writes the table or prints it.
func measureScale(ctx context.Context, o options, out, progress io.Writer) (err error) {
	provisioner, err := runner.NewProvisioner(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, provisioner.Close()) }()
	r := report.ScaleRun{Rounds: o.rounds, Each: o.each, Primaries: o.primaries}
	if r.Machine, err = machine.Inspect(ctx, provisioner.Folder()); err != nil {
		return err
	}
	if r.Machine.Postgres, err = provisioner.Version(ctx); err != nil {
		return err
	}
	s := scaleRun{options: o, result: &r, progress: progress}
	err = errors.Join(s.primaries(ctx), s.router(ctx, provisioner), s.down(ctx), s.distances(ctx))
	switch {
	case err != nil || ctx.Err() != nil:
		return errors.Join(err, ctx.Err())
	case o.only.String() != "":
		_, err = fmt.Fprint(out, r.Raw())
		return err
	default:
		return os.WriteFile(o.path, []byte(r.Raw()), 0o644)
	}
}

// scaleRun is a run of measureScale.
type scaleRun struct {
	options
	result   *report.ScaleRun
	progress io.Writer
}

// job returns the times of a measurement.
func (s *scaleRun) job() runner.Job { return runner.Job{For: s.each, WarmUp: s.warmUp} }

// capped returns the times of a measurement of capped primaries, which are slower to
// begin: the start of a connection takes a server tens of milliseconds of CPU, and ten of
// them take seconds of its part of a core. Then the store finds out whether its shared
// statements should run beside each other.
func (s *scaleRun) capped() runner.Job {
	return runner.Job{For: report.CappedFactor * s.each, WarmUp: 2 * report.CappedFactor * s.warmUp}
}

func (s *scaleRun) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.progress, format+"\n", args...)
}

// wants reports whether a part is measured.
func (s *scaleRun) wants(part string) bool { return s.only.MatchString(part) }

// primaries measures one and more primaries, with a load in proportion and with the same
// drivers over all of them, and counts the statements of other shards.
func (s *scaleRun) primaries(ctx context.Context) (err error) {
	if !s.wants("primaries") {
		return nil
	}
	most := slices.Max(s.result.Primaries)
	s.say("starting %d primaries", most)
	p, err := shards.StartPrimaries(ctx, most, s.result.Primaries)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	s.result.Uncapped = p.Uncapped
	if s.result.Statements, err = p.CountStatements(ctx, most, 20); err != nil {
		return err
	}
	s.result.Samples = make(map[shards.Cell][]shards.Sample)
	for round := range s.rounds {
		cells := report.ScaleCells(s.result.Primaries)
		if round%2 == 1 {
			slices.Reverse(cells)
		}
		for _, c := range cells {
			sample, err := p.Measure(ctx, c, s.capped())
			if err != nil {
				return err
			}
			s.result.Samples[c] = append(s.result.Samples[c], sample)
			s.say("round %d of %d: %d primaries, %d drivers: %.0f verifications/s", round+1, s.rounds, c.Primaries, c.Drivers, sample.PerSecond())
		}
	}
	return nil
}

// routerRounds is how many rounds the router has for each of the others: the difference is
// small.
const routerRounds = 8

// router compares one shard behind the router with the bare store.
func (s *scaleRun) router(ctx context.Context, provisioner *runner.Provisioner) error {
	if !s.wants("router") {
		return nil
	}
	bare := runner.Cell{Kind: engine.Name, Medium: subject.Postgres, Drivers: shards.DriversEach}
	routed := runner.Cell{Kind: engine.Sharded, Medium: subject.OneShard, Drivers: shards.DriversEach}
	plan := runner.Plan{Cells: []runner.Cell{bare, routed}, Rounds: routerRounds * s.rounds, For: s.each / 2, WarmUp: s.warmUp / 2}
	results := plan.Run(ctx, provisioner, s.progress)
	s.result.Bare, s.result.Routed = results.Samples[bare], results.Samples[routed]
	return errors.Join(results.Errors[bare], results.Errors[routed])
}

// down measures what a shard that is stopped costs the others.
func (s *scaleRun) down(ctx context.Context) error {
	if !s.wants("down") {
		return nil
	}
	for range s.rounds {
		d, err := shards.MeasureDown(ctx, s.job())
		if err != nil {
			return err
		}
		s.result.Down = append(s.result.Down, d)
		s.say("p99 of the other shards: %v, with one down %v", d.Before.P99, d.Meanwhile.P99)
	}
	return nil
}

// distances measures a primary that waits for a standby some time away.
func (s *scaleRun) distances(ctx context.Context) (err error) {
	if !s.wants("standby") {
		return nil
	}
	p, err := shards.StartPair()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	at := func(d time.Duration) shards.Distance { return shards.Distance{RoundTrip: d} }
	for _, d := range []shards.Distance{{Alone: true}, at(0), at(time.Millisecond), at(5 * time.Millisecond)} {
		for _, drivers := range []int{1, shards.DriversEach} {
			one := report.Away{Distance: d, Drivers: drivers}
			for range s.rounds {
				sample, roundTrip, err := p.Measure(ctx, d, drivers, s.job())
				if err != nil {
					return err
				}
				one.RoundTrips, one.Samples = append(one.RoundTrips, roundTrip), append(one.Samples, sample)
				s.say("%s, %d drivers: %.0f verifications/s", d, drivers, sample.PerSecond())
			}
			s.result.Away = append(s.result.Away, one)
		}
	}
	return nil
}
