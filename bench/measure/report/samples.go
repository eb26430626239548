package report

import "github.com/carrierfsm/carrierfsm/bench/measure/drive"

func figure[S any](samples []S, get func(S) float64) Figure { return FigureOf(values(samples, get)) }

func median[S any](samples []S, get func(S) float64) string {
	return number(figure(samples, get).Median)
}

func values[S any](samples []S, get func(S) float64) (list []float64) {
	for _, s := range samples {
		list = append(list, get(s))
	}
	return list
}

// The values of a sample in the units of the report: milliseconds for latencies;
// microseconds of CPU, allocations and bytes for each verification; MiB for RSS.
func p50(s drive.Sample) float64       { return s.P50.Seconds() * 1e3 }
func p99(s drive.Sample) float64       { return s.P99.Seconds() * 1e3 }
func cpu(s drive.Sample) float64       { return s.PerVerification(s.CPU.Seconds() * 1e6) }
func serverCPU(s drive.Sample) float64 { return s.PerVerification(s.ServerCPU.Seconds() * 1e6) }
func mallocs(s drive.Sample) float64   { return s.PerVerification(float64(s.Mallocs)) }
func rss(s drive.Sample) float64       { return float64(s.RSS) / (1 << 20) }
func stored(s drive.Sample) float64    { return float64(s.Stored) / float64(max(s.Verifications, 1)) }
