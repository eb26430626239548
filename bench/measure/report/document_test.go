package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// newSample returns the sample of one second with a number of verifications, each of
// which took some CPU.
func newSample(verifications int, cpu time.Duration) drive.Sample {
	return drive.Sample{
		Elapsed: time.Second, Laps: verifications * subject.Laps, Verifications: verifications,
		CPU: cpu * time.Duration(verifications), P50: time.Millisecond, P99: 2 * time.Millisecond, Stored: int64(1500 * verifications),
	}
}

func newRun() *report.Run {
	r := &report.Run{
		Preset: "quick", Rounds: 1, Recipe: workload.Recipe{Commits: 7, Loads: 3, Transitions: 4},
		Kinds: []subject.Kind{
			{Name: engine.Name, Media: []subject.Medium{subject.SQLiteFull}, Commits: 7, Transitions: 4},
			{Name: baseline.Alone, Media: []subject.Medium{subject.SQLiteFull}, Commits: 7, Transitions: 4},
			{Name: baseline.Grouped, Media: []subject.Medium{subject.SQLiteFull}, Commits: 7, Transitions: 4},
		},
	}
	r.Results.Samples = map[runner.Cell][]drive.Sample{
		{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 8}:      {newSample(950, 170*time.Microsecond)},
		{Kind: baseline.Alone, Medium: subject.SQLiteFull, Drivers: 8}:   {newSample(400, 500*time.Microsecond)},
		{Kind: baseline.Grouped, Medium: subject.SQLiteFull, Drivers: 8}: {newSample(1000, 100*time.Microsecond)},
	}
	return r
}

func TestTheTablesCompareWithTheFasterBaseline(t *testing.T) {
	t.Parallel()
	text := newRun().Raw()
	require.Contains(t, text, "throughput relative to the baseline, SQLite FULL, 8 drivers (by hand, grouped) | ≥ 0.90 | 0.95 (0.95–0.95) | pass")
	require.Contains(t, text, "CPU per commit above the baseline, SQLite FULL, 8 drivers | ≤ 10.0 µs | 10.0 (10.0–10.0) µs | pass")
	require.Contains(t, text, "| SQLite FULL | 8 | carrierfsm | 7, 4 | 950 (950–950) | 3800 |")
}

func TestTemporalInMemoryIsComparedWithOursOnDisk(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.Kinds = append(r.Kinds, temporal.Kinds(nil)...)
	require.Contains(t, r.Raw(), "throughput relative to "+temporal.Name+", carrierfsm on SQLite FULL, its SQLite in memory, 32 drivers | ≥ 80.0 | – | not measured")
	require.Contains(t, r.Raw(), "| go.temporal.io/server | not measured |")
	r.Results.Samples[runner.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 32}] = []drive.Sample{newSample(1200, time.Microsecond)}
	r.Results.Samples[runner.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 32}] = []drive.Sample{newSample(20, time.Microsecond)}
	r.TemporalVersions = map[string]string{temporal.Server: "v1.2.3"}
	text := r.Raw()
	require.Contains(t, text, "its SQLite in memory, 32 drivers | ≥ 80.0 | 60.0 (60.0–60.0) | **miss**")
	require.Contains(t, text, "| "+temporal.Name+" | carrierfsm on SQLite FULL, its SQLite in memory | – | – | 60.0 (60.0–60.0) | – |")
	require.Contains(t, text, "| go.temporal.io/server | v1.2.3 |")
}

func TestMissingMeasurementsAreReported(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.Failures = []string{"something: it failed"}
	for _, text := range []string{r.Document(), r.Raw()} {
		require.Contains(t, text, "throughput relative to the baseline, PostgreSQL, one driver () | ≥ 0.90 | – | not measured")
		require.Contains(t, text, "Not measured: something: it failed")
		require.Contains(t, text, "2 of 38 targets are met, 0 are missed by at most 15 %, 0 by more. 36 were not measured.")
	}
}

func TestTheDocumentOpensWithItsConclusions(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.Kinds = append(r.Kinds, temporal.Kinds(nil)...)
	r.Results.Samples[runner.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 32}] = []drive.Sample{newSample(1200, time.Microsecond)}
	r.Results.Samples[runner.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 32}] = []drive.Sample{newSample(20, time.Microsecond)}
	r.Waiting = []concurrency.WaitingCost{{Verifications: 100, RSS: 1980}}
	r.Slow = []concurrency.SlowCost{{Submissions: 70, RSS: 5}, {
		OverHTTP: true, Submissions: 10_000, RSS: 77_895,
		Before: concurrency.Latency{P50: time.Millisecond}, During: concurrency.Latency{P50: 2 * time.Millisecond},
	}}
	r.Growth = map[subject.Medium][]scale.GrowthCost{subject.SQLiteFull: {
		{Rows: 10, Driven: newSample(104, 0)}, {Rows: 1000, Driven: newSample(100, 0)},
	}}
	conclusions, rest, found := strings.Cut(r.Document(), "\n## What is missed, and why\n")
	require.True(t, found)
	for _, want := range []string{
		"- **SQLite FULL**: – · 950 · 1200 · – verifications/s with 1, 8, 32, 64 drivers;\n  – · 0.95 · – · – of the throughput of the baseline.\n",
		"\n  " + temporal.Name + " (carrierfsm on SQLite FULL, its SQLite in memory) 60.0.\n",
		"takes 1980 B of resident memory in the memory store.\n",
		"- **10,000 submissions in flight** over HTTP take 77,895 B of resident memory each. Other submissions take 2.00 ms\n  meanwhile, and 1.00 ms without",
		"- **A large store**: with 1,000 verifications in SQLite FULL, a transition costs 1.04 times as much as with 10.\n",
		"[The machine and all versions](benchmarks-raw.md#machine-and-versions)",
	} {
		require.Contains(t, conclusions, want)
	}
	require.NotContains(t, conclusions, "|", "the tables come later")
	require.Less(t, strings.Count(conclusions, "\n"), 40, "one screen")
	missed, _, found := strings.Cut(rest, "\n## What is measured\n")
	require.True(t, found)
	require.Contains(t, missed, "| not measured |")
	require.NotContains(t, missed, "| pass |", "a target that is met is not missed")
}

func TestTheDocumentLeavesTheTablesToTheRawOne(t *testing.T) {
	t.Parallel()
	r := newRun()
	for _, section := range []string{"Targets", "Compared with the baseline", "Compared with the competitors", "All figures", "Machine and versions"} {
		require.Contains(t, r.Raw(), "\n## "+section+"\n")
		require.NotContains(t, r.Document(), "\n## "+section+"\n")
	}
}

func TestABusyMachineIsReported(t *testing.T) {
	t.Parallel()
	const warning = "these figures are not reliable"
	r := newRun()
	r.Machine.Cores, r.Machine.Load = 2, "0.90"
	require.NotContains(t, r.Document()+r.Raw(), warning)
	r.Machine.Load = "1.10"
	require.Contains(t, r.Document(), warning)
	require.Contains(t, r.Raw(), warning)
}

func TestAllRowsOfATableHaveTheSameNumberOfColumns(t *testing.T) {
	t.Parallel()
	columns := 0
	for i, line := range strings.Split(newRun().Document()+newRun().Raw(), "\n") {
		n := strings.Count(line, "|")
		if columns > 0 && n > 0 {
			require.Equal(t, columns, n, "line %d: %s", i+1, line)
		}
		columns = n
	}
}

func TestTheProseHasNoPlaceholders(t *testing.T) {
	t.Parallel()
	text := newRun().Document()
	require.NotRegexp(t, regexp.MustCompile(`\{[a-z]+\}`), text)
	require.NotContains(t, text, "%!")
	require.Contains(t, text, fmt.Sprintf("*%s*", baseline.Grouped))
}
