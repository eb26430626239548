package report

import (
	"fmt"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/byhand"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/dbos"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/goworkflows"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/river"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// comparison compares carrierfsm on one medium with a competitor on another.
type comparison struct{ ours, theirs subject.Medium }

// The comparisons. memory is for Temporal, whose SQLite is not on disk.
var (
	sqlite   = comparison{subject.SQLiteFull, subject.SQLiteFull}
	postgres = comparison{subject.Postgres, subject.Postgres}
	memory   = comparison{subject.SQLiteFull, subject.Memory}
)

func (c comparison) String() string {
	if c.ours == c.theirs {
		return string(c.ours)
	}
	return fmt.Sprintf("carrierfsm on %s, its SQLite in memory", c.ours)
}

// comparisonsOf returns the comparisons with a competitor.
func comparisonsOf(kind string) []comparison {
	if temporal.Is(kind) {
		return []comparison{memory}
	}
	return []comparison{sqlite, postgres}
}

// speedup is the throughput of carrierfsm divided by that of a competitor.
func (r *Run) speedup(kind string, c comparison, drivers int) Figure {
	return ratio(r.ours(c.ours, drivers), r.samples(kind, c.theirs, drivers), drive.Sample.PerSecond)
}

func (r *Run) competitorTargets() (list []Target) {
	for _, t := range []struct {
		kind    string
		on      comparison
		drivers int
		least   float64
	}{
		{byhand.Looplab, sqlite, 1, 1},
		{byhand.Looplab, sqlite, 64, 5},
		{byhand.Looplab, postgres, 1, 2},
		{byhand.Looplab, postgres, 64, 3},
		{goworkflows.Name, sqlite, 1, 10},
		{goworkflows.Name, sqlite, 32, 40},
		{dbos.Name, postgres, 1, 5},
		{dbos.Name, postgres, 32, 9},
		{river.Name, postgres, 1, 4.5},
		{river.Name, postgres, 32, 8},
		{temporal.Name, memory, 1, 200},
		{temporal.Name, memory, 32, 80},
	} {
		base, _ := r.baseline(t.on.ours, t.drivers)
		list = append(list, Target{
			What:  fmt.Sprintf("throughput relative to %s, %s, %s", t.kind, t.on, driversOf(t.drivers)),
			Found: r.speedup(t.kind, t.on, t.drivers), Least: t.least,
			Baseline: ratio(base, r.samples(t.kind, t.on.theirs, t.drivers), drive.Sample.PerSecond),
		})
	}
	return list
}
