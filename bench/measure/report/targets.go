package report

import (
	"fmt"
	"math"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Target is a performance target and the measured value.
type Target struct {
	// What is the quantity, in words.
	What  string
	Found Figure
	// Most and Least are the bounds of the median, one or both; zero is none.
	Most, Least float64
	Unit        string
	// Baseline is what the baseline reaches in carrierfsm's place, for a throughput. It is
	// zero for other targets.
	Baseline Figure
}

// nearMiss is how far a near miss may be from its bound, as a fraction of it.
const nearMiss = 0.15

// The verdicts on a target.
const (
	verdictPass        = "pass"
	verdictNearMiss    = "near miss"
	verdictMiss        = "**miss**"
	verdictNotMeasured = "not measured"
)

// Verdict returns whether the target was met, in words.
func (t Target) Verdict() string {
	far := math.Inf(-1) // beyond its bound, as a fraction of it
	if t.Least > 0 {
		far = (t.Least - t.Found.Median) / t.Least
	}
	if t.Most > 0 {
		far = max(far, (t.Found.Median-t.Most)/t.Most)
	}
	switch {
	case math.IsNaN(t.Found.Median) || math.IsInf(far, -1):
		return verdictNotMeasured
	case far <= 0:
		return verdictPass
	case far <= nearMiss:
		return verdictNearMiss
	default:
		return verdictMiss
	}
}

// Want returns the bound as text.
func (t Target) Want() string {
	switch {
	case t.Most > 0 && t.Least > 0:
		return number(t.Least) + " to " + number(t.Most) + t.Unit
	case t.Most > 0:
		return "≤ " + number(t.Most) + t.Unit
	}
	return "≥ " + number(t.Least) + t.Unit
}

var durable = []subject.Medium{subject.SQLiteFull, subject.Postgres}

// targets returns all targets, in the order of the report.
func (r *Run) targets() (list []Target) {
	list = append(list, Target{
		What:  "time of a whole `Submit` in memory relative to a bare `fsm.NewFSM` of the full table + `Event`",
		Found: ratio(r.Micro[micro.NameSubmit], r.Micro[micro.NameBare], costTime), Most: 0.85,
	})
	list = append(list, r.baselineTargets()...)
	list = append(list, r.formTargets()...)
	list = append(list, r.competitorTargets()...)
	list = append(list, r.deliveryTargets()...)
	list = append(list, r.tailTargets()...)
	return append(list, r.sizeTargets()...)
}

func costTime(c micro.Cost) float64 { return float64(c.Time) }

func (r *Run) baselineTargets() (list []Target) {
	for _, m := range durable {
		for _, n := range Drivers {
			base, name := r.baseline(m, n)
			list = append(list, Target{
				What:  fmt.Sprintf("throughput relative to the baseline, %s, %s (%s)", m, driversOf(n), name),
				Found: ratio(r.ours(m, n), base, drive.Sample.PerSecond), Least: 0.9,
			})
		}
		base, _ := r.baseline(m, 1)
		list = append(list, Target{
			What:  fmt.Sprintf("median latency of a submission relative to the baseline, %s, one driver", m),
			Found: ratio(r.ours(m, 1), base, p50), Most: 1.1,
		})
		for _, n := range Drivers {
			base, _ := r.baseline(m, n)
			list = append(list, Target{
				What:  fmt.Sprintf("CPU per commit above the baseline, %s, %s", m, driversOf(n)),
				Found: r.cpuAbove(r.ours(m, n), base), Most: 10, Unit: " µs",
			})
		}
	}
	return list
}

// formTargets compares verifications that begin with their form with those that are
// created first.
func (r *Run) formTargets() (list []Target) {
	for _, t := range []struct {
		medium  subject.Medium
		drivers int
		least   float64
	}{{subject.Postgres, 1, 1.3}, {subject.Postgres, 64, 1.15}} {
		base, _ := r.baseline(t.medium, t.drivers)
		list = append(list, Target{
			What:  fmt.Sprintf("throughput relative to %s, %s, %s", engine.CreatedFirst, t.medium, driversOf(t.drivers)),
			Found: r.form(engine.CreatedFirst, t.medium, t.drivers), Least: t.least,
			Baseline: ratio(base, r.samples(baseline.CreatedFirst, t.medium, t.drivers), drive.Sample.PerSecond),
		})
	}
	return list
}

// form is the throughput of carrierfsm divided by that of one of its other forms.
func (r *Run) form(kind string, m subject.Medium, drivers int) Figure {
	return ratio(r.ours(m, drivers), r.samples(kind, m, drivers), drive.Sample.PerSecond)
}

// cpuAbove returns how much more CPU a commit of ours takes, in microseconds.
func (r *Run) cpuAbove(ours, base []drive.Sample) Figure {
	var above []float64
	for i := range min(len(ours), len(base)) {
		above = append(above, (cpu(ours[i])-cpu(base[i]))/float64(max(r.Recipe.Commits, 1)))
	}
	return FigureOf(above)
}

// sizeDrivers is the number of drivers in the cell whose file size is reported: many,
// so that the file has many verifications.
const sizeDrivers = 64

func (r *Run) sizeTargets() []Target {
	list := []Target{{
		What:  "resident memory of a waiting verification in the memory store",
		Found: figure(r.Waiting, waitingStoreRSS), Most: 2048, Unit: " B",
	}, {
		What:  "resident memory of a waiting verification in the memory store, with its password and its snapshot",
		Found: figure(r.Waiting, waitingRSS), Most: 3072, Unit: " B",
	}}
	for _, m := range durable {
		for _, kind := range []string{engine.Name, engine.Budgeted} {
			list = append(list, Target{
				What:  fmt.Sprintf("size of a finished verification on disk, %s, %s", kind, m),
				Found: figure(r.samples(kind, m, sizeDrivers), stored), Most: 2253, Unit: " B",
			})
		}
	}
	for _, m := range durable {
		list = append(list, Target{
			What:  "cost of a transition in the largest store relative to the smallest, " + string(m),
			Found: growth(r.Growth[m]), Most: 1.3,
		})
	}
	return list
}

// growth returns the cost in the largest store divided by that in the smallest.
func growth(list []scale.GrowthCost) Figure {
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
