package report

import (
	"cmp"
	"maps"
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Profiled is a cell that was driven once more under a profiler.
type Profiled struct {
	Sample drive.Sample
	Shares profile.Shares
}

// ProfileDrivers is how many drive under the profiler.
const ProfileDrivers = 64

// Profiles are those of the engine and of the limit on one medium.
type Profiles struct {
	Medium      subject.Medium
	Ours, Limit Profiled
	// Which is the name of the limit.
	Which string
}

// Limit names the fastest limit on a medium with so many drivers.
func (r *Run) Limit(m subject.Medium, drivers int) string {
	_, name := r.limit(m, drivers)
	return name
}

// mostPackages is how many packages are shown.
const mostPackages = 14

// profiles is the section on where the CPU goes.
func (d *document) profiles(r *Run) {
	d.say("## Where the CPU goes")
	d.say("Microseconds of CPU a commit, by the package that spends them, with %d drivers: ours and the baseline's. The\n"+
		"difference is what the engine costs. PostgreSQL's server is not included.", ProfileDrivers)
	for _, p := range r.Profiles {
		d.table("package ("+string(p.Medium)+")", engine.Name, p.Which, "above it")
		ours, limit := r.spent(p.Ours), r.spent(p.Limit)
		d.row("all", number(ours(all)), number(limit(all)), number(ours(all)-limit(all)))
		for _, name := range packages(p) {
			d.row("`"+name+"`", number(ours(name)), number(limit(name)), number(ours(name)-limit(name)))
		}
		d.end()
	}
}

// all stands for all packages together.
const all = ""

// spent tells how many microseconds a commit spends in a package.
func (r *Run) spent(p Profiled) func(name string) float64 {
	commit := cpu(p.Sample) / float64(max(r.Recipe.Commits, 1))
	return func(name string) float64 {
		if name == all {
			return commit
		}
		return commit * p.Shares[name]
	}
}

// packages are those in which ours spend most, in that order.
func packages(p Profiles) []string {
	seen := maps.Clone(p.Ours.Shares)
	maps.DeleteFunc(seen, func(_ string, share float64) bool { return share < 0.005 })
	names := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a, b))
	})
	return names[:min(len(names), mostPackages)]
}
