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

// CellProfile is the CPU profile of a cell.
type CellProfile struct {
	Sample drive.Sample
	Shares profile.Shares
}

// ProfileDrivers is the number of drivers in a profiled cell.
const ProfileDrivers = 64

// Profiles are the profiles of carrierfsm and of the baseline on one medium.
type Profiles struct {
	Medium         subject.Medium
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
	d.paragraph("CPU per commit in microseconds, by the package that uses it, with %d drivers, for carrierfsm and for the baseline. The difference\n"+
		"is the cost of the engine. The CPU of the PostgreSQL server is not included.", ProfileDrivers)
	for _, p := range r.Profiles {
		d.table("package ("+string(p.Medium)+")", engine.Name, p.BaselineName, "difference")
		ours, base := r.cpuByPackage(p.Ours), r.cpuByPackage(p.Baseline)
		d.row("all", number(ours(allPackages)), number(base(allPackages)), number(ours(allPackages)-base(allPackages)))
		for _, name := range packages(p) {
			d.row("`"+name+"`", number(ours(name)), number(base(name)), number(ours(name)-base(name)))
		}
		d.end()
	}
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
func packages(p Profiles) []string {
	seen := maps.Clone(p.Ours.Shares)
	maps.DeleteFunc(seen, func(_ string, share float64) bool { return share < 0.005 })
	names := slices.SortedFunc(maps.Keys(seen), func(a, b string) int {
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(a, b))
	})
	return names[:min(len(names), maxPackages)]
}
