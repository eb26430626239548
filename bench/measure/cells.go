package main

import (
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/limit"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/byhand"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

const sqliteFull = subject.SQLiteFull

// cells are all that is measured once a round, those that are compared one
// after the other.
func cells(all []subject.Kind) (list []lab.Cell) {
	for _, n := range report.Drivers {
		for _, m := range []subject.Medium{subject.SQLiteFull, subject.Postgres, subject.SQLiteNormal, subject.Memory} {
			for _, k := range all {
				if slices.Contains(k.Media, m) && wanted(k.Name, m, n) {
					list = append(list, lab.Cell{Kind: k.Name, Medium: m, Drivers: n})
				}
			}
		}
	}
	return list
}

// wanted leaves out what nobody compares, for the sake of the time.
func wanted(kind string, m subject.Medium, drivers int) bool {
	switch kind {
	case engine.Name:
		return m != subject.Memory || drivers == 1 || drivers == 64
	case limit.Alone, limit.Grouped, limit.Batched:
		return true
	case byhand.Looplab, byhand.Stateless:
		return m != subject.SQLiteNormal && drivers != 8
	default: // frameworks
		return drivers == 1 || drivers == 32
	}
}
