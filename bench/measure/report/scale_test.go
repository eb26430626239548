package report_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/shards"
)

// newScaleRun returns a run in which two primaries do 1.7 times the work of one, at 1.2
// times the CPU.
func newScaleRun() *report.ScaleRun {
	sample := func(verifications int, server time.Duration) []shards.Sample {
		s := newSample(verifications, time.Millisecond)
		s.ServerCPU = server * time.Duration(verifications)
		return []shards.Sample{{Sample: s, Used: 0.98}}
	}
	return &report.ScaleRun{
		Rounds: 1, Each: time.Second, Primaries: []int{1, 2},
		Samples: map[shards.Cell][]shards.Sample{
			{Primaries: 1, Drivers: shards.DriversEach}:     sample(100, time.Millisecond),
			{Primaries: 2, Drivers: 2 * shards.DriversEach}: sample(170, 1200*time.Microsecond),
			{Primaries: 2, Drivers: shards.DriversEach}:     sample(120, 2*time.Millisecond),
		},
		Statements: shards.Statements{Verifications: 20, Own: 180, Others: 1},
		Bare:       []drive.Sample{newSample(1000, time.Millisecond)},
		Routed:     []drive.Sample{newSample(990, 1010*time.Microsecond)},
		Away: []report.Away{{
			Distance: shards.Distance{RoundTrip: 5 * time.Millisecond}, Drivers: 1,
			RoundTrips: []time.Duration{5100 * time.Microsecond}, Samples: []drive.Sample{newSample(30, time.Millisecond)},
		}},
	}
}

func TestSeveralPrimariesAreComparedWithOneTimesTheirNumber(t *testing.T) {
	t.Parallel()
	text := newScaleRun().Raw()
	for _, line := range []string{
		"| throughput of 2 primaries relative to linear | ≥ 0.90 | 0.85 (0.85–0.85) | near miss |",
		"| the servers' CPU a verification, 2 primaries relative to one | 0.90 to 1.10 | 1.20 (1.20–1.20) | near miss |",
		"| statements on other shards, for 20 verifications of one of 2 | none | 1.00 (1.00–1.00) | **miss** |",
		"| throughput, router over one primary relative to the bare store | ≥ 0.98 | 0.99 (0.99–0.99) | pass |",
		"| 2 | 64 | thin crowd | 120 (120–120) | 0.60 (0.60–0.60) | 2000 (2000–2000) | 2.00 (2.00–2.00) |",
		"| a round trip of 5 ms | 1 | 5.10 | 30.0 (30.0–30.0) |",
	} {
		require.Contains(t, text, line)
	}
}

// The machine is twice as fast in each round as in the one before.
func TestTheRouterIsComparedPairByPair(t *testing.T) {
	t.Parallel()
	r := newScaleRun()
	r.Bare, r.Routed = nil, nil
	for _, pair := range [][2]int{{1000, 990}, {2000, 1900}, {4000, 4040}} {
		r.Bare = append(r.Bare, newSample(pair[0], time.Millisecond))
		r.Routed = append(r.Routed, newSample(pair[1], time.Millisecond))
	}
	require.Contains(t, r.Raw(), "| throughput, router over one primary relative to the bare store | ≥ 0.98 | 0.99 (0.95–1.01) | pass |")
}

func TestNothingIsClaimedOfPrimariesThatAreNotCapped(t *testing.T) {
	t.Parallel()
	r := newScaleRun()
	r.Uncapped = errors.New("no cgroup")
	text := r.Raw()
	require.Contains(t, text, "| throughput of 2 primaries relative to linear | ≥ 0.90 | 0.85 (0.85–0.85) | not claimed: not capped |")
	require.Contains(t, text, "**The primaries were not capped (no cgroup).")
}
