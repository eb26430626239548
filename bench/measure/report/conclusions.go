package report

import (
	"fmt"
	"strings"

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// verdicts counts the targets by their verdicts.
func (r *Run) verdicts() string {
	all, of := r.targets(), make(map[string]int)
	for _, t := range all {
		of[t.Verdict()]++
	}
	text := fmt.Sprintf("%d of %d targets are met, %d are missed by at most %.0f %%, %d by more.", of[met], len(all), of[nearMiss], near*100, of[miss])
	if n := of[notMeasured]; n > 0 {
		text += fmt.Sprintf(" %d were not measured.", n)
	}
	return text
}

// conclusions is what a reader who leaves after one screen should know.
func (d *document) conclusions(r *Run) {
	list := []string{r.concludeMemory()}
	for _, m := range durable {
		list = append(list, r.concludeStore(m))
	}
	list = append(list, r.concludePeers(), r.concludeSizes())
	list = append(list, r.concludeSlow()...)
	list = append(list, r.concludeGrowth()...)
	d.say("- %s", strings.Join(list, "\n- "))
}

func (r *Run) concludeMemory() string {
	submit := r.Micro[micro.NameSubmit]
	return fmt.Sprintf("**In memory** a whole `Submit` takes %s ns: %s of the time of one bare looplab machine of the whole table.",
		number(figure(submit, took).Median), number(ratio(submit, r.Micro[micro.NameBare], took).Median))
}

func (r *Run) concludeStore(m subject.Medium) string {
	var rates, shares []string
	for _, n := range Drivers {
		limit, _ := r.limit(m, n)
		rates = append(rates, number(figure(r.ours(m, n), drive.Sample.PerSecond).Median))
		shares = append(shares, number(ratio(r.ours(m, n), limit, drive.Sample.PerSecond).Median))
	}
	return fmt.Sprintf("**%s**: %s verifications/s with 1, 8, 32, 64 drivers;\n  %s of what the baseline finishes.",
		m, strings.Join(rates, " · "), strings.Join(shares, " · "))
}

// concludeDrivers is how many drive in what is said of the competitors.
const concludeDrivers = 32

func (r *Run) concludePeers() string {
	var list []string
	for _, k := range r.peers() {
		for _, b := range besides(k.Name) {
			if f := r.beside(k.Name, b, concludeDrivers); f.Median > 0 {
				list = append(list, fmt.Sprintf("\n  %s (%s) %s", k.Name, b, number(f.Median)))
			}
		}
	}
	return fmt.Sprintf("**Beside the competitors**, with %d drivers, so many times as many verifications/s:%s.", concludeDrivers, strings.Join(list, ","))
}

func (r *Run) concludeSizes() string {
	size := func(m subject.Medium) string { return number(figure(r.ours(m, sizeDrivers), stored).Median) }
	return fmt.Sprintf("**One that waits**, its password held, takes %s B of a process with the memory store. **A finished one** takes\n"+
		"  %s B of a file on %s, %s B on %s.", number(figure(r.Waiting, func(h crowd.Held) float64 { return h.RSS }).Median),
		size(subject.SQLiteFull), subject.SQLiteFull, size(subject.Postgres), subject.Postgres)
}

func (r *Run) concludeSlow() (list []string) {
	for _, f := range r.Slow {
		if f.OverHTTP {
			list = append(list, fmt.Sprintf("**%s submissions under way** over HTTP cost %s B of the process each. The submissions of others take %s ms\n"+
				"  meanwhile, and %s ms without them (medians).", thousands(float64(f.Submissions)), number(f.RSS), milliseconds(f.Meanwhile.P50), milliseconds(f.Before.P50)))
		}
	}
	return list
}

func (r *Run) concludeGrowth() (list []string) {
	for _, m := range durable {
		if g := r.Growth[m]; len(g) > 1 {
			list = append(list, fmt.Sprintf("**A large store**: with %s verifications in %s, a transition costs %s times as much as with %s.",
				thousands(float64(g[len(g)-1].Rows)), m, number(growth(g).Median), thousands(float64(g[0].Rows))))
		}
	}
	return list
}

// missed lists the targets that are not met. The prose says why.
func (d *document) missed(r *Run) {
	d.say("## What is missed, and why")
	d.table("what", "target", "found", "")
	for _, t := range r.targets() {
		if t.Verdict() != met {
			d.row(t.What, t.Want(), t.Found.String()+t.Unit, t.Verdict())
		}
	}
	d.end()
	d.failures(r)
}
