package report

import (
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
)

// concurrency adds the costs of waiting verifications and of a slow upstream.
func (d *document) concurrency(r *Run) {
	d.paragraph("## Many verifications at once")
	for _, c := range lastOf(r.Waiting) {
		d.paragraph("%s verifications that wait for a code in the memory store, each with its password and its snapshot in memory, take %s B of live\n"+
			"objects and %s B of resident memory each, and %d goroutines in total. The store alone takes %s B and %s B of these.",
			thousands(float64(c.Verifications)), median(r.Waiting, waitingHeap), median(r.Waiting, waitingRSS), max(c.Goroutines, 0),
			median(r.Waiting, waitingStoreHeap), median(r.Waiting, waitingStoreRSS))
	}
	d.paragraph("The next table shows submissions in flight while upstream takes at least 5 s to answer, on SQLite FULL: the memory for each, and\n" +
		"the latency of other submissions, whose upstream answers at once. Over HTTP, upstream is the simulator in a process of its own,\n" +
		"which is not counted, and each call has its own connection.")
	d.table("upstream", "in flight", "all started after, s", "live objects, B each", "resident memory, B each", "goroutines each",
		"other submissions before, p50 and p99, ms", "other submissions meanwhile, p50 and p99, ms")
	for _, c := range r.Slow {
		d.row(upstreamOf(c), thousands(float64(c.Submissions)), number(c.Started.Seconds()), number(c.Heap), number(c.RSS), number(c.Goroutines),
			latencies(c.Before), latencies(c.During))
	}
	d.end()
}

func waitingHeap(c concurrency.WaitingCost) float64 { return c.Heap }
func waitingRSS(c concurrency.WaitingCost) float64  { return c.RSS }

func waitingStoreHeap(c concurrency.WaitingCost) float64 { return c.StoreHeap }
func waitingStoreRSS(c concurrency.WaitingCost) float64  { return c.StoreRSS }

func upstreamOf(c concurrency.SlowCost) string {
	if c.OverHTTP {
		return "over HTTP"
	}
	return "in the process"
}

func latencies(l concurrency.Latency) string { return milliseconds(l.P50) + ", " + milliseconds(l.P99) }

// lastOf returns a list of the last element, empty if there is none.
func lastOf[T any](list []T) []T { return list[max(0, len(list)-1):] }

func milliseconds(d time.Duration) string { return number(d.Seconds() * 1e3) }

// largeStores adds the costs in stores with many verifications.
func (d *document) largeStores(r *Run) {
	d.paragraph("## Large stores")
	d.paragraph("Plain verifications with %s, and queries, in a store that already has many verifications, of which one in ten waits for a person.", driversOf(GrowthDrivers))
	head := []string{"store", "verifications", "verifications/s", "relative to the smallest", "p50, ms", "CPU, µs", "on disk, B each", "filled in, s"}
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

// GrowthDrivers is the number of drivers in a large store.
const GrowthDrivers = 8

// cpuAll is the CPU of the process and of the server, in microseconds for each
// verification.
func cpuAll(s drive.Sample) float64 { return cpu(s) + serverCPU(s) }

// allCells adds the table of all cells.
func (d *document) allCells(r *Run) {
	d.paragraph("## All figures")
	d.paragraph("p50 and p99 are the latencies of one submission in milliseconds, from the input until its outcome is acknowledged. CPU is that of\n" +
		"the measuring process and, for PostgreSQL, of the server, in microseconds per commit (per verification if a framework makes the\n" +
		"commits). Memory is the peak growth of the process's resident memory.")
	d.table("store", "drivers", "", "commits, transitions", "verifications/s", "transitions/s", "p50", "p99", "CPU", "server's CPU",
		"allocations per verification", "memory, MiB", "on disk, B per verification")
	for _, m := range media {
		for _, n := range Drivers {
			for _, k := range r.Kinds {
				s := r.samples(k.Name, m, n)
				if len(s) == 0 || !slices.Contains(k.Media, m) {
					continue // kinds of different media share a name
				}
				commits := max(k.Commits, 1)
				perCommit := func(get func(drive.Sample) float64) string {
					return median(s, func(s drive.Sample) float64 { return get(s) / float64(commits) })
				}
				d.row(string(m), fmt.Sprint(n), k.Name, counts(k.Commits, k.Transitions), figure(s, drive.Sample.PerSecond).String(),
					median(s, func(s drive.Sample) float64 { return s.PerSecond() * float64(k.Transitions) }),
					median(s, p50), median(s, p99), perCommit(cpu), perCommit(serverCPU), median(s, mallocs), median(s, rss), median(s, stored))
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
