package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
)

// crowds is the section on many that wait.
func (d *document) crowds(r *Run) {
	d.say("## Many that wait")
	for _, h := range last(r.Waiting) {
		d.say("%s verifications wait for a code in the memory store, each with its password held. Each takes %s B of live\n"+
			"objects and %s B of the process; all together take %d goroutines.", thousands(float64(h.Verifications)),
			median(r.Waiting, func(h crowd.Held) float64 { return h.Heap }), median(r.Waiting, func(h crowd.Held) float64 { return h.RSS }), max(h.Goroutines, 0))
	}
	d.say("Submissions under way at once, on SQLite FULL, for each of which upstream takes at least 5 s: the memory that each\n" +
		"takes, and how long the submissions of others take meanwhile, whose upstream answers at once. By HTTP upstream is the\n" +
		"simulator, in a process of its own that is not counted, and each call has a connection.")
	d.table("upstream", "under way", "all begun after, s", "live objects, B each", "process, B each", "goroutines each",
		"others alone, p50 and p99, ms", "others meanwhile, ms")
	for _, f := range r.Slow {
		d.row(where(f), thousands(float64(f.Submissions)), number(f.Begun.Seconds()), number(f.Heap), number(f.RSS), number(f.Goroutines),
			pair(f.Before), pair(f.Meanwhile))
	}
	d.end()
}

func where(f crowd.Flown) string {
	if f.OverHTTP {
		return "by HTTP"
	}
	return "in the process"
}

func pair(l crowd.Latency) string { return milliseconds(l.P50) + ", " + milliseconds(l.P99) }

// last returns the last element of a list, as a list.
func last[T any](list []T) []T { return list[max(0, len(list)-1):] }

func milliseconds(d time.Duration) string { return number(d.Seconds() * 1e3) }

// grown is the section on large stores.
func (d *document) grown(r *Run) {
	d.say("## Large stores")
	d.say("Plain verifications with %s, and queries, in stores that already hold so many others, one in ten of them waiting.", driversOf(GrowthDrivers))
	head := []string{"store", "in it", "verifications/s", "of the smallest", "p50 ms", "CPU µs", "file, B each", "filled in, s"}
	for _, q := range scale.Queries {
		head = append(head, q+", ms")
	}
	d.table(head...)
	for _, m := range durable {
		list := r.Growth[m]
		for _, g := range list {
			s := g.Driven
			cells := []string{
				string(m), thousands(float64(g.Rows)), number(s.PerSecond()), number(s.PerSecond() / list[0].Driven.PerSecond()),
				number(p50(s)), number(cpuAll(s)), number(g.Stored), number(g.Fill.Seconds()),
			}
			for _, q := range g.Queries {
				cells = append(cells, milliseconds(q))
			}
			d.row(cells...)
		}
	}
	d.end()
}

// GrowthDrivers is how many drive in a large store.
const GrowthDrivers = 8

// cpuAll is that of the process and of the server, in microseconds a verification.
func cpuAll(s drive.Sample) float64 { return cpu(s) + serverCPU(s) }

// everything is the table of all cells.
func (d *document) everything(r *Run) {
	d.say("## All figures")
	d.say("p50 and p99 are of one submission, from its input to the acknowledgement of its outcome, in milliseconds. CPU is that\n" +
		"of the measuring process, in microseconds a commit of the subject's own (a verification if a framework decides about\n" +
		"commits); the server's CPU is PostgreSQL's. Memory is the peak of the process above its start.")
	d.table("store", "drivers", "", "commits, transitions", "verifications/s", "transitions/s", "p50", "p99", "CPU", "server's CPU", "allocations a verification", "memory, MiB", "file, B a verification")
	for _, m := range media {
		for _, n := range Drivers {
			for _, k := range r.Kinds {
				s := r.samples(k.Name, m, n)
				if len(s) == 0 || !slices.Contains(k.Media, m) {
					continue // kinds of different media share a name
				}
				commits := max(k.Commits, 1)
				of := func(f func(drive.Sample) float64) string {
					return median(s, func(s drive.Sample) float64 { return f(s) / float64(commits) })
				}
				d.row(string(m), fmt.Sprint(n), k.Name, counts(k.Commits, k.Transitions), figure(s, drive.Sample.PerSecond).String(),
					median(s, func(s drive.Sample) float64 { return s.PerSecond() * float64(k.Transitions) }),
					median(s, p50), median(s, p99), of(cpu), of(serverCPU), median(s, mallocs), median(s, rss), median(s, stored))
			}
		}
	}
	d.end()
}

func counts(commits, transitions int) string {
	if commits == 0 {
		return fmt.Sprintf("–, %d", transitions)
	}
	return fmt.Sprintf("%d, %d", commits, transitions)
}
