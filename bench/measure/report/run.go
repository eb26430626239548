package report

import (
	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/machine"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/tail"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Run has the results of one run of the program.
type Run struct {
	// Preset is its flag, full or quick. Each cell was measured in Rounds rounds, for
	// Each.
	Preset string
	Rounds int
	Each   string
	// Recipe has the store operations of the engine for a plain verification.
	Recipe workload.Recipe
	// Kinds are the subjects, in the order of the report.
	Kinds   []subject.Kind
	Machine machine.Facts
	Results runner.Results
	Micro   map[string][]micro.Cost
	Waiting []concurrency.WaitingCost
	Slow    []concurrency.SlowCost
	// Deliveries, Delays and Tails have one result for each round and kind.
	Deliveries []deliveries.Cost
	Delays     []deliveries.DelayCost
	Tails      []tail.Cost
	Growth     map[subject.Medium][]scale.GrowthCost
	Profiles   []Profiles
	// SubmitShares are those of a whole Submit in memory.
	SubmitShares profile.Shares
	Failures     []string
	// TemporalVersions has the versions of Temporal's modules: module → version. It is
	// empty if Temporal was not measured.
	TemporalVersions map[string]string
}

// samples returns the samples of one cell.
func (r *Run) samples(kind string, m subject.Medium, drivers int) []drive.Sample {
	return r.Results.Samples[runner.Cell{Kind: kind, Medium: m, Drivers: drivers}]
}

// ours returns the samples of carrierfsm.
func (r *Run) ours(m subject.Medium, drivers int) []drive.Sample {
	return r.samples(engine.Name, m, drivers)
}

// baseline returns the samples and the name of the baseline's fastest variant.
func (r *Run) baseline(m subject.Medium, drivers int) (fastest []drive.Sample, name string) {
	for _, kind := range []string{baseline.Alone, baseline.Grouped} {
		s := r.samples(kind, m, drivers)
		if len(s) > 0 && (name == "" || speed(s) > speed(fastest)) {
			fastest, name = s, kind
		}
	}
	return fastest, name
}

// speed returns the median throughput.
func speed(s []drive.Sample) float64 { return figure(s, drive.Sample.PerSecond).Median }

// ratio returns the Ratio of a value of two lists of samples.
func ratio[S any](over, under []S, get func(S) float64) Figure {
	return Ratio(values(over, get), values(under, get))
}
