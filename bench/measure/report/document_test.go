package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/river"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/watermill"
	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/tail"
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

func TestTheProfilesAreTablesInDescendingOrder(t *testing.T) {
	t.Parallel()
	r := newRun()
	require.NotContains(t, r.Raw(), "The parts of a whole `Submit`")
	r.Profiles = []report.Profiles{{
		Medium: subject.SQLiteFull, Drivers: 1, BaselineName: baseline.Alone,
		Ours:     report.CellProfile{Sample: newSample(1000, 700*time.Microsecond), Shares: profile.Shares{"runtime": 0.25, "carrierfsm": 0.5, "small": 0.001}},
		Baseline: report.CellProfile{Sample: newSample(1000, 70*time.Microsecond), Shares: profile.Shares{"runtime": 0.5}},
	}}
	r.SubmitShares = profile.Shares{"runtime": 0.25, "carrierfsm": 0.5, "small": 0.001}
	text := r.Raw()
	require.Contains(t, text, "| package (SQLite FULL, one driver) | carrierfsm | "+baseline.Alone+" | difference |")
	require.Contains(t, text, "| all | 100 | 10.0 | 90.0 |\n| `carrierfsm` | 50.0 | 0.00 | 50.0 |\n| `runtime` | 25.0 | 5.00 | 20.0 |\n\n")
	require.Contains(t, text, "| `carrierfsm` | 50.0 |\n| `runtime` | 25.0 |\n\n")
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
		require.Contains(t, text, "2 of 57 targets are met, 0 are missed by at most 15 %, 0 by more. 55 were not measured.")
	}
}

func TestTheDocumentOpensWithItsConclusions(t *testing.T) {
	t.Parallel()
	r := newRun()
	r.Kinds = append(r.Kinds, temporal.Kinds(nil)...)
	r.Results.Samples[runner.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 32}] = []drive.Sample{newSample(1200, time.Microsecond)}
	r.Results.Samples[runner.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 32}] = []drive.Sample{newSample(20, time.Microsecond)}
	r.Waiting = []concurrency.WaitingCost{{Verifications: 100, RSS: 2980, StoreRSS: 1980}}
	r.Slow = []concurrency.SlowCost{{Submissions: 70, RSS: 5}, {
		OverHTTP: true, Submissions: 10_000, RSS: 77_895,
		Before: concurrency.Latency{P50: time.Millisecond}, During: concurrency.Latency{P50: 2 * time.Millisecond},
	}}
	r.Growth = map[subject.Medium][]scale.GrowthCost{subject.SQLiteFull: {
		{Rows: 10, Driven: newSample(104, 0)}, {Rows: 1000, Driven: newSample(100, 0)},
	}}
	r.Deliveries = []deliveries.Cost{
		{Kind: deliveries.Quiet, Medium: subject.Postgres, Delivered: 600, Took: time.Second},
		{Kind: river.Name, Medium: subject.Postgres, Delivered: 100, Took: time.Second},
	}
	r.Delays = []deliveries.DelayCost{{Kind: deliveries.TwoMachines, Medium: subject.SQLiteFull, P50: 4 * time.Millisecond}}
	conclusions, rest, found := strings.Cut(r.Document(), "\n## What is missed, and why\n")
	require.True(t, found)
	for _, want := range []string{
		"- **SQLite FULL**: – · 950 · 1200 · – verifications/s with 1, 8, 32, 64 drivers;\n  – · 0.95 · – · – of the throughput of the baseline.\n",
		"\n  " + temporal.Name + " (carrierfsm on SQLite FULL, its SQLite in memory) 60.0.\n",
		"takes 1980 B of resident memory in the memory store, with its password and its snapshot 2980 B.\n",
		"- **10,000 submissions in flight** over HTTP take 77,895 B of resident memory each. Other submissions take 2.00 ms\n  meanwhile, and 1.00 ms without",
		"- **A large store**: with 1,000 verifications in SQLite FULL, a transition costs 1.04 times as much as with 10.\n",
		"- **A handler** gets – transitions/s on SQLite FULL and 600 on PostgreSQL, where River gets 100 jobs/s and watermill-sql – messages/s,\n",
		"after – and – ms in the process, and after 4.00 and – ms in another one (medians).\n",
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

func TestDeliveriesAndTailsHaveTargets(t *testing.T) {
	t.Parallel()
	r := newRun()
	cost := func(kind string, m subject.Medium, n int) deliveries.Cost {
		return deliveries.Cost{Kind: kind, Medium: m, Delivered: n, Took: time.Second, Submitted: n / 10}
	}
	r.Deliveries = []deliveries.Cost{
		cost(deliveries.Quiet, subject.Postgres, 60_000), cost(river.Name, subject.Postgres, 15_000), cost(watermill.Name, subject.Postgres, 30_000),
		cost(deliveries.Quiet, subject.SQLiteFull, 80_000), cost(deliveries.Beside, subject.SQLiteFull, 40_000), cost(deliveries.Slow, subject.SQLiteFull, 2000),
	}
	r.Delays = []deliveries.DelayCost{{Kind: deliveries.OneMachine, Medium: subject.Postgres, P50: 2 * time.Millisecond, P99: 7 * time.Millisecond}}
	slower := newSample(100, 0)
	slower.P99 = 3 * slower.P99
	r.Tails = []tail.Cost{{Medium: subject.Postgres, Due: 20_000, Delivered: 70_000, Quiet: newSample(100, 0), Beside: slower}}
	r.Results.Samples[runner.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 64}] = []drive.Sample{newSample(1200, 0)}
	text := r.Raw()
	for _, want := range []string{
		"| deliveries relative to " + river.Name + ", PostgreSQL | ≥ 3.00 | 4.00 (4.00–4.00) | pass |",
		"| deliveries relative to " + watermill.Name + ", PostgreSQL | ≥ 3.00 | 2.00 (2.00–2.00) | **miss** |",
		"| deliveries beside 32 drivers relative to those without, SQLite FULL | ≥ 0.50 | 0.50 (0.50–0.50) | pass |",
		"| deliveries beside 32 drivers relative to those without, PostgreSQL | ≥ 0.50 | – | not measured |",
		"| deliveries with 1 % slow calls relative to those without, SQLite FULL | ≥ 0.50 | 0.03 (0.03–0.03) | **miss** |",
		"| median delay from a commit to the call of a handler, in the process, PostgreSQL | ≤ 3.00 ms | 2.00 (2.00–2.00) ms | pass |",
		"| 99th percentile of a submission relative to the median, SQLite FULL, 64 drivers | ≤ 3.00 | 2.00 (2.00–2.00) | pass |",
		"| 99th percentile of a submission beside a sweep and a dispatcher relative to that without, PostgreSQL | ≤ 2.00 | 3.00 (3.00–3.00) | **miss** |",
		"| carrierfsm, beside 32 drivers | SQLite FULL | 40,000 (40,000–40,000) | 0.50 (0.50–0.50) | 40,000 | 4000 |",
		"| in the process | PostgreSQL | 2.00 (2.00–2.00) | 7.00 (7.00–7.00) |",
		"| PostgreSQL | 20,000 | 70,000 | 1.00, 2.00 | 1.00, 6.00 | 3.00 (3.00–3.00) |",
	} {
		require.Contains(t, text, want)
	}
}

func TestABusyMachineIsReported(t *testing.T) {
	t.Parallel()
	const warning = "may be slower than on an idle machine"
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
