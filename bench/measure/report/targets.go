package report

import (
	"fmt"
	"math"

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Target is a bound that the library should keep, and what was found.
type Target struct {
	// What names the measurement; Found is its result.
	What  string
	Found Figure
	// Most and Least bound the median. Only one is set.
	Most, Least float64
	Unit        string
}

// near is how far a near miss may be from the bound, as a share of it.
const near = 0.15

// The verdicts.
const (
	met         = "pass"
	nearMiss    = "near miss"
	miss        = "**miss**"
	notMeasured = "not measured"
)

// Verdict compares Found with the bound.
func (t Target) Verdict() string {
	bound, far := t.Least, (t.Least-t.Found.Median)/t.Least
	if t.Most > 0 {
		bound, far = t.Most, (t.Found.Median-t.Most)/t.Most
	}
	switch {
	case math.IsNaN(t.Found.Median) || bound == 0:
		return notMeasured
	case far <= 0:
		return met
	case far <= near:
		return nearMiss
	default:
		return miss
	}
}

// Want is the bound as text.
func (t Target) Want() string {
	if t.Most > 0 {
		return "≤ " + number(t.Most) + t.Unit
	}
	return "≥ " + number(t.Least) + t.Unit
}

var durable = []subject.Medium{subject.SQLiteFull, subject.Postgres}

// targets returns all targets in the order of the report.
func (r *Run) targets() (list []Target) {
	list = append(list, Target{
		What:  "time of a whole `Submit` in memory relative to one bare `fsm.NewFSM` of the full table + `Event`",
		Found: ratio(r.Micro[micro.NameSubmit], r.Micro[micro.NameBare], took), Most: 0.5,
	})
	list = append(list, r.limitTargets()...)
	list = append(list, r.peerTargets()...)
	return append(list, r.sizeTargets()...)
}

func took(c micro.Cost) float64 { return float64(c.Time) }

func (r *Run) limitTargets() (list []Target) {
	for _, m := range durable {
		for _, n := range Drivers {
			limit, name := r.limit(m, n)
			list = append(list, Target{
				What:  fmt.Sprintf("throughput relative to the baseline, %s, %s (%s)", m, driversOf(n), name),
				Found: ratio(r.ours(m, n), limit, drive.Sample.PerSecond), Least: 0.9,
			})
		}
		limit, _ := r.limit(m, 1)
		list = append(list, Target{
			What:  fmt.Sprintf("median latency of a submission relative to the baseline, %s, one driver", m),
			Found: ratio(r.ours(m, 1), limit, p50), Most: 1.1,
		})
		for _, n := range Drivers {
			limit, _ := r.limit(m, n)
			list = append(list, Target{
				What:  fmt.Sprintf("our CPU a commit above the baseline's, %s, %s", m, driversOf(n)),
				Found: r.cpuAbove(r.ours(m, n), limit), Most: 10, Unit: " µs",
			})
		}
	}
	return list
}

// cpuAbove is how much more CPU a commit of ours takes, in microseconds.
func (r *Run) cpuAbove(ours, limit []drive.Sample) Figure {
	var above []float64
	for i := range min(len(ours), len(limit)) {
		above = append(above, (cpu(ours[i])-cpu(limit[i]))/float64(max(r.Recipe.Commits, 1)))
	}
	return FigureOf(above)
}

// sizeDrivers is the number of drivers of the cells whose sizes count: many, so
// that there is much to measure.
const sizeDrivers = 64

func (r *Run) sizeTargets() []Target {
	list := []Target{{
		What:  "process memory of a waiting verification, memory store, password held",
		Found: figure(r.Waiting, func(h crowd.Held) float64 { return h.RSS }), Most: 2048, Unit: " B",
	}}
	for _, m := range durable {
		list = append(list, Target{
			What:  fmt.Sprintf("file size of a finished verification, %s", m),
			Found: figure(r.ours(m, sizeDrivers), stored), Most: 2048, Unit: " B",
		})
	}
	for _, m := range durable {
		list = append(list, Target{
			What:  "cost of a transition in the largest store relative to the smallest, " + string(m),
			Found: growth(r.Growth[m]), Most: 1.3,
		})
	}
	return list
}

// growth is the cost in the largest store as a multiple of that in the smallest.
func growth(list []scale.Grown) Figure {
	if len(list) < 2 {
		return FigureOf(nil)
	}
	first, last := list[0].Driven, list[len(list)-1].Driven
	return FigureOf([]float64{first.PerSecond() / last.PerSecond()})
}

func driversOf(n int) string {
	if n == 1 {
		return "one driver"
	}
	return fmt.Sprintf("%d drivers", n)
}
