package report

import (
	"fmt"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/byhand"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/dbos"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/goworkflows"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/river"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// beside is the medium of ours and that of the competitor in one comparison.
type beside struct{ ours, theirs subject.Medium }

// The comparisons. Memory is Temporal's, whose SQLite is not on disk.
var (
	sqlite   = beside{subject.SQLiteFull, subject.SQLiteFull}
	postgres = beside{subject.Postgres, subject.Postgres}
	memory   = beside{subject.SQLiteFull, subject.Memory}
)

func (b beside) String() string {
	if b.ours == b.theirs {
		return string(b.ours)
	}
	return fmt.Sprintf("ours on %s, its SQLite in memory", b.ours)
}

// besides returns the comparisons with a competitor.
func besides(kind string) []beside {
	if temporal.Is(kind) {
		return []beside{memory}
	}
	return []beside{sqlite, postgres}
}

// beside is how many times as many verifications a second ours finishes.
func (r *Run) beside(kind string, b beside, drivers int) Figure {
	return ratio(r.ours(b.ours, drivers), r.samples(kind, b.theirs, drivers), drive.Sample.PerSecond)
}

func (r *Run) peerTargets() (list []Target) {
	for _, t := range []struct {
		kind    string
		on      beside
		drivers int
		least   float64
	}{
		{byhand.Looplab, sqlite, 1, 1},
		{byhand.Looplab, sqlite, 32, 2},
		{byhand.Looplab, sqlite, 64, 2},
		{byhand.Looplab, postgres, 1, 1},
		{byhand.Looplab, postgres, 32, 2},
		{byhand.Looplab, postgres, 64, 2},
		{goworkflows.Name, sqlite, 1, 5},
		{goworkflows.Name, sqlite, 32, 25},
		{dbos.Name, postgres, 1, 4},
		{dbos.Name, postgres, 32, 8},
		{river.Name, postgres, 1, 6},
		{river.Name, postgres, 32, 6},
		{temporal.Name, memory, 1, 50},
		{temporal.Name, memory, 32, 50},
	} {
		list = append(list, Target{
			What:  fmt.Sprintf("throughput relative to %s, %s, %s", t.kind, t.on, driversOf(t.drivers)),
			Found: r.beside(t.kind, t.on, t.drivers), Least: t.least,
		})
	}
	return list
}
