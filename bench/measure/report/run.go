package report

import (
	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/limit"
	"github.com/carrierfsm/carrierfsm/bench/measure/machine"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Run is all that a run has found.
type Run struct {
	// Dose is its flag, and Rounds and Each how often and how long each cell was
	// measured.
	Dose   string
	Rounds int
	Each   string
	// Recipe is what our engine asks of its store.
	Recipe workload.Recipe
	// Kinds are the subjects, in the order of the report.
	Kinds    []subject.Kind
	Machine  machine.Facts
	Results  lab.Results
	Micro    map[string][]micro.Cost
	Waiting  []crowd.Held
	Slow     []crowd.Flown
	Growth   map[subject.Medium][]scale.Grown
	Profiles []Profiles
	Failures []string
	// Elsewhere names what the program is built of that measures Temporal: module →
	// version. It is empty where that was not measured.
	Elsewhere map[string]string
}

// samples are those of one cell.
func (r *Run) samples(kind string, m subject.Medium, drivers int) []drive.Sample {
	return r.Results.Samples[lab.Cell{Kind: kind, Medium: m, Drivers: drivers}]
}

// ours are those of the engine.
func (r *Run) ours(m subject.Medium, drivers int) []drive.Sample {
	return r.samples(engine.Name, m, drivers)
}

// limit is the fastest of those written by hand for a cell, and its name.
func (r *Run) limit(m subject.Medium, drivers int) (fastest []drive.Sample, name string) {
	for _, kind := range []string{limit.Alone, limit.Grouped, limit.Batched} {
		s := r.samples(kind, m, drivers)
		if len(s) > 0 && (name == "" || speed(s) > speed(fastest)) {
			fastest, name = s, kind
		}
	}
	return fastest, name
}

// speed is the median throughput.
func speed(s []drive.Sample) float64 { return figure(s, drive.Sample.PerSecond).Median }

// ratio is how much more of something the first has than the second.
func ratio[S any](over, under []S, of func(S) float64) Figure {
	return Ratio(values(over, of), values(under, of))
}
