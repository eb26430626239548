package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/micro"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// Text is all results as a table for a terminal.
func Text(r workload.Recipe, results lab.Results, costs map[string][]micro.Cost) string {
	var b strings.Builder
	fmt.Fprintf(&b, "a plain verification: %d commits, %d transitions, %d loads\n\n", r.Commits, r.Transitions, r.Loads)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, name := range micro.Names {
		_, _ = fmt.Fprintf(w, "%s\t%s ns\t%s allocations\t%s B\n", name,
			figure(costs[name], func(c micro.Cost) float64 { return float64(c.Time) }),
			number(figure(costs[name], func(c micro.Cost) float64 { return c.Mallocs }).Median),
			number(figure(costs[name], func(c micro.Cost) float64 { return c.Bytes }).Median))
	}
	_, _ = fmt.Fprintln(w, "\nmedium\tdrivers\twho\tverifications/s\tp50 ms\tp99 ms\tCPU µs/v\tserver CPU µs/v\tallocs/v\tRSS MiB\tB/v")
	cells := slices.SortedFunc(maps.Keys(results.Samples), func(a, b lab.Cell) int {
		return cmp.Or(cmp.Compare(a.Medium, b.Medium), cmp.Compare(a.Drivers, b.Drivers), cmp.Compare(a.Kind, b.Kind))
	})
	for _, c := range cells {
		s := results.Samples[c]
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Medium, c.Drivers, c.Kind,
			figure(s, drive.Sample.PerSecond), median(s, p50), median(s, p99), median(s, cpu), median(s, serverCPU),
			median(s, mallocs), median(s, rss), median(s, stored))
	}
	_ = w.Flush() // to memory
	return b.String()
}

func figure[S any](samples []S, of func(S) float64) Figure { return FigureOf(values(samples, of)) }

func median[S any](samples []S, of func(S) float64) string {
	return number(figure(samples, of).Median)
}

func values[S any](samples []S, of func(S) float64) (list []float64) {
	for _, s := range samples {
		list = append(list, of(s))
	}
	return list
}

// What the report takes out of a sample: milliseconds, microseconds and counts
// for one verification, MiB, bytes.
func p50(s drive.Sample) float64       { return s.P50.Seconds() * 1e3 }
func p99(s drive.Sample) float64       { return s.P99.Seconds() * 1e3 }
func cpu(s drive.Sample) float64       { return s.PerVerification(s.CPU.Seconds() * 1e6) }
func serverCPU(s drive.Sample) float64 { return s.PerVerification(s.ServerCPU.Seconds() * 1e6) }
func mallocs(s drive.Sample) float64   { return s.PerVerification(float64(s.Mallocs)) }
func rss(s drive.Sample) float64       { return float64(s.PeakRSS) / (1 << 20) }
func stored(s drive.Sample) float64    { return float64(s.Stored) / float64(max(s.Verifications, 1)) }
