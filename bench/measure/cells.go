package main

import (
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/byhand"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

const sqliteFull = subject.SQLiteFull

// cells returns what is measured in each round. Cells that are compared are
// adjacent.
func cells(all []subject.Kind) (list []runner.Cell) {
	for _, n := range report.Drivers {
		for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres, subject.SQLiteNormal, subject.Memory} {
			for _, k := range all {
				if slices.Contains(k.Media, m) && isCompared(k.Name, m, n) {
					list = append(list, runner.Cell{Kind: k.Name, Medium: m, Drivers: n})
				}
			}
		}
	}
	return list
}

// isCompared reports whether a cell is part of a comparison; the others are left out
// to save time.
func isCompared(kind string, m subject.Medium, drivers int) bool {
	switch kind {
	case engine.Name, engine.CreatedFirst:
		return m != subject.Memory || drivers == 1 || drivers == 64
	case baseline.CreatedFirst:
		return m != subject.SQLiteNormal
	case engine.Sealed, engine.Budgeted, engine.Counted, engine.Whole:
		return drivers == 1 || drivers == 64
	case baseline.Less, baseline.More:
		return drivers > 1
	case baseline.Alone, baseline.Grouped:
		return true
	case byhand.Looplab, byhand.Stateless:
		return m != subject.SQLiteNormal && drivers != 8
	default: // frameworks
		return drivers == 1 || drivers == 32
	}
}
