package report

import (
	"fmt"
	"strings"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// verdicts counts the targets by their verdicts.
func (r *Run) verdicts() string {
	targets, count := r.targets(), make(map[string]int)
	for _, t := range targets {
		count[t.Verdict()]++
	}
	text := fmt.Sprintf("%d of %d targets are met, %d are missed by at most %.0f %%, %d by more.",
		count[verdictPass], len(targets), count[verdictNearMiss], nearMiss*100, count[verdictMiss])
	if n := count[verdictNotMeasured]; n > 0 {
		text += fmt.Sprintf(" %d were not measured.", n)
	}
	return text
}

// conclusions adds the list of the most important results. With the text around it,
// it fits on one screen.
func (d *document) conclusions(r *Run) {
	list := []string{r.concludeMemory()}
	for _, m := range durable {
		list = append(list, r.concludeStore(m))
	}
	list = append(list, r.concludeCompetitors(), r.concludeDeliveries(), r.concludeSizes())
	list = append(list, r.concludeSlow()...)
	list = append(list, r.concludeGrowth()...)
	d.paragraph("- %s", strings.Join(list, "\n- "))
}

func (r *Run) concludeMemory() string {
	submit := r.Micro[micro.NameSubmit]
	return fmt.Sprintf("**In memory** a whole `Submit` takes %s ns: %s of the time of a bare looplab/fsm machine of the whole table.",
		median(submit, costTime), number(ratio(submit, r.Micro[micro.NameBare], costTime).Median))
}

func (r *Run) concludeStore(m subject.Medium) string {
	var rates, shares []string
	for _, n := range Drivers {
		base, _ := r.baseline(m, n)
		rates = append(rates, median(r.ours(m, n), drive.Sample.PerSecond))
		shares = append(shares, number(ratio(r.ours(m, n), base, drive.Sample.PerSecond).Median))
	}
	return fmt.Sprintf("**%s**: %s verifications/s with 1, 8, 32, 64 drivers;\n  %s of the throughput of the baseline.",
		m, strings.Join(rates, " · "), strings.Join(shares, " · "))
}

// concludeDrivers is the number of drivers of the comparisons with the competitors
// that are among the conclusions.
const concludeDrivers = 32

func (r *Run) concludeCompetitors() string {
	var list []string
	for _, k := range r.competitors() {
		for _, c := range comparisonsOf(k.Name) {
			if f := r.speedup(k.Name, c, concludeDrivers); f.Median > 0 {
				list = append(list, fmt.Sprintf("\n  %s (%s) %s", k.Name, c, number(f.Median)))
			}
		}
	}
	return fmt.Sprintf("**Compared with the competitors**, with %d drivers, the throughput as a multiple of theirs:%s.",
		concludeDrivers, strings.Join(list, ","))
}

func (r *Run) concludeSizes() string {
	size := func(m subject.Medium) string { return median(r.ours(m, sizeDrivers), stored) }
	return fmt.Sprintf("**A waiting verification** takes %s B of resident memory in the memory store, with its password and its snapshot %s B.\n"+
		"  **A finished one** takes %s B on disk on %s, and %s B on %s.", median(r.Waiting, waitingStoreRSS), median(r.Waiting, waitingRSS),
		size(subject.SQLiteFull), subject.SQLiteFull, size(subject.Postgres), subject.Postgres)
}

func (r *Run) concludeSlow() (list []string) {
	for _, c := range r.Slow {
		if c.OverHTTP {
			list = append(list, fmt.Sprintf("**%s submissions in flight** over HTTP take %s B of resident memory each. Other submissions take %s ms\n"+
				"  meanwhile, and %s ms without them (medians).", thousands(float64(c.Submissions)), number(c.RSS),
				milliseconds(c.During.P50), milliseconds(c.Before.P50)))
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

// missed adds the table of the targets that are not met. The prose explains them.
func (d *document) missed(r *Run) {
	d.paragraph("## What is missed, and why")
	d.paragraph("The last column is what the baseline reaches in carrierfsm's place, where that is compared with another subject: a target\n" +
		"above it is out of reach of any engine that makes these commits. One below it is missed by what carrierfsm uses more than the\n" +
		"baseline: the next paragraphs say what that is.")
	d.table("quantity", "target", "measured", "", "the baseline")
	for _, t := range r.targets() {
		if t.Verdict() != verdictPass {
			reached := ""
			if t.Baseline.Median > 0 {
				reached = number(t.Baseline.Median)
			}
			d.row(t.What, t.Want(), t.Found.String()+t.Unit, t.Verdict(), reached)
		}
	}
	d.end()
	d.failures(r)
}
