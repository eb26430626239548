package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// CellProfile is the CPU profile of a cell.
type CellProfile struct {
	Sample drive.Sample
	Shares profile.Shares
}

// ProfileDrivers are the numbers of drivers of the profiled cells.
var ProfileDrivers = []int{1, 64}

// Profiles are the profiles of carrierfsm and of the baseline on one medium, with a number of
// drivers.
type Profiles struct {
	Medium         subject.Medium
	Drivers        int
	Ours, Baseline CellProfile
	// BaselineName is the name of the baseline's variant.
	BaselineName string
}

// Baseline returns the name of the baseline's fastest variant on a medium, with a
// number of drivers.
func (r *Run) Baseline(m subject.Medium, drivers int) string {
	_, name := r.baseline(m, drivers)
	return name
}

// maxPackages is how many packages a table shows.
const maxPackages = 14

// profiles adds the tables of CPU by package.
func (d *document) profiles(r *Run) {
	d.paragraph("## CPU by package")
	d.paragraph("CPU per commit in microseconds, by the package that uses it, for carrierfsm and for the baseline. The difference\n" +
		"is the cost of the engine. The CPU of the PostgreSQL server is not included.")
	for _, p := range r.Profiles {
		d.table(fmt.Sprintf("package (%s, %s)", p.Medium, driversOf(p.Drivers)), engine.Name, p.BaselineName, "difference")
		ours, base := r.cpuByPackage(p.Ours), r.cpuByPackage(p.Baseline)
		d.row("all", number(ours(allPackages)), number(base(allPackages)), number(ours(allPackages)-base(allPackages)))
		for _, name := range packages(p.Ours.Shares) {
			d.row("`"+name+"`", number(ours(name)), number(base(name)), number(ours(name)-base(name)))
		}
		d.end()
	}
	if len(r.SubmitShares) == 0 {
		return
	}
	d.paragraph("The parts of a whole `Submit` in memory, of all its CPU:")
	d.table("package", "%")
	for _, name := range packages(r.SubmitShares) {
		d.row("`"+name+"`", number(100*r.SubmitShares[name]))
	}
	d.end()
}

// allPackages means all packages together.
const allPackages = ""

// cpuByPackage returns a function for the microseconds per commit in a package.
func (r *Run) cpuByPackage(p CellProfile) func(name string) float64 {
	commit := cpu(p.Sample) / float64(max(r.Recipe.Commits, 1))
	return func(name string) float64 {
		if name == allPackages {
			return commit
		}
		return commit * p.Shares[name]
	}
}

// packages returns the packages in which carrierfsm uses the most CPU, in descending
// order.
func packages(shares profile.Shares) []string {
	seen := maps.Clone(shares)
	maps.DeleteFunc(seen, func(_ string, share float64) bool { return share < 0.005 })
	names := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a, b))
	})
	return names[:min(len(names), maxPackages)]
}
