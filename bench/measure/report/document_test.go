package report_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/limit"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/workload"
)

// measured is a sample of so many verifications in a second, each of which took
// so much CPU.
func measured(verifications int, cpu time.Duration) drive.Sample {
	return drive.Sample{
		Elapsed: time.Second, Laps: verifications * subject.Laps, Verifications: verifications,
		CPU: cpu * time.Duration(verifications), P50: time.Millisecond, P99: 2 * time.Millisecond, Stored: int64(1500 * verifications),
	}
}

func aRun() *report.Run {
	r := &report.Run{
		Dose: "quick", Rounds: 1, Recipe: workload.Recipe{Commits: 7, Loads: 3, Transitions: 4},
		Kinds: []subject.Kind{
			{Name: engine.Name, Media: []subject.Medium{subject.SQLiteFull}, Commits: 7, Transitions: 4},
			{Name: limit.Alone, Media: []subject.Medium{subject.SQLiteFull}, Commits: 7, Transitions: 4},
			{Name: limit.Grouped, Media: []subject.Medium{subject.SQLiteFull}, Commits: 7, Transitions: 4},
		},
	}
	r.Results.Samples = map[lab.Cell][]drive.Sample{
		{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 8}:   {measured(950, 170*time.Microsecond)},
		{Kind: limit.Alone, Medium: subject.SQLiteFull, Drivers: 8}:   {measured(400, 500*time.Microsecond)},
		{Kind: limit.Grouped, Medium: subject.SQLiteFull, Drivers: 8}: {measured(1000, 100*time.Microsecond)},
	}
	return r
}

func TestTheFiguresCompareUsWithTheFasterBaseline(t *testing.T) {
	t.Parallel()
	text := aRun().Raw()
	require.Contains(t, text, "throughput relative to the baseline, SQLite FULL, 8 drivers (by hand, grouped) | ≥ 0.90 | 0.95 (0.95–0.95) | pass")
	require.Contains(t, text, "our CPU a commit above the baseline's, SQLite FULL, 8 drivers | ≤ 10.0 µs | 10.0 (10.0–10.0) µs | pass")
	require.Contains(t, text, "| SQLite FULL | 8 | carrierfsm | 7, 4 | 950 (950–950) | 3800 |")
}

func TestTemporalInMemoryIsComparedWithUsOnDisk(t *testing.T) {
	t.Parallel()
	r := aRun()
	r.Kinds = append(r.Kinds, temporal.Kinds(nil)...)
	require.Contains(t, r.Raw(), "throughput relative to "+temporal.Name+", ours on SQLite FULL, its SQLite in memory, 32 drivers | ≥ 50.0 | – | not measured")
	require.Contains(t, r.Raw(), "| go.temporal.io/server | not measured |")
	r.Results.Samples[lab.Cell{Kind: engine.Name, Medium: subject.SQLiteFull, Drivers: 32}] = []drive.Sample{measured(1200, time.Microsecond)}
	r.Results.Samples[lab.Cell{Kind: temporal.Name, Medium: subject.Memory, Drivers: 32}] = []drive.Sample{measured(20, time.Microsecond)}
	r.Elsewhere = map[string]string{temporal.Server: "v1.2.3"}
	text := r.Raw()
	require.Contains(t, text, "its SQLite in memory, 32 drivers | ≥ 50.0 | 60.0 (60.0–60.0) | pass")
	require.Contains(t, text, "| "+temporal.Name+" | ours on SQLite FULL, its SQLite in memory | – | – | 60.0 (60.0–60.0) | – |")
	require.Contains(t, text, "| go.temporal.io/server | v1.2.3 |")
}

func TestWhatWasNotMeasuredSaysSo(t *testing.T) {
	t.Parallel()
	r := aRun()
	r.Failures = []string{"something: it broke"}
	for _, text := range []string{r.Raw(), r.Document()} {
		require.Contains(t, text, "throughput relative to the baseline, PostgreSQL, one driver () | ≥ 0.90 | – | not measured")
		require.Contains(t, text, "Not measured: something: it broke")
		require.Regexp(t, `2 of 38 targets are met, 0 are missed by at most 15 %, 0 by more\. 36 were not measured\.`, text)
	}
}

func TestTheDocumentOpensWithWhatWasFound(t *testing.T) {
	t.Parallel()
	text := aRun().Document()
	require.Contains(t, text, "- **SQLite FULL**: – · 950 · – · – verifications/s with 1, 8, 32, 64 drivers;\n  – · 0.95 · – · – of what the baseline finishes.")
	missed, _, _ := strings.Cut(text, "## What is measured")
	require.NotContains(t, missed, "| pass |", "the table is of what is missed")
	require.Less(t, strings.Count(strings.Split(text, "## What is missed")[0], "\n"), 40, "one screen")
}

func TestABusyMachineIsNoPlaceToMeasure(t *testing.T) {
	t.Parallel()
	const warning = "believe none of these figures"
	r := aRun()
	r.Machine.Cores, r.Machine.Load = 2, "0.90"
	require.NotContains(t, r.Document(), warning)
	r.Machine.Load = "1.10"
	require.Contains(t, r.Document(), warning)
}

func TestTheDocumentsTablesAreWhole(t *testing.T) {
	t.Parallel()
	columns := 0
	for i, line := range strings.Split(aRun().Document()+aRun().Raw(), "\n") {
		n := strings.Count(line, "|")
		if columns > 0 && n > 0 {
			require.Equal(t, columns, n, "line %d: %s", i+1, line)
		}
		columns = n
	}
}

func TestTheProseIsFilledIn(t *testing.T) {
	t.Parallel()
	text := aRun().Document()
	require.NotRegexp(t, regexp.MustCompile(`\{[a-z]+\}`), text)
	require.NotContains(t, text, "%!")
	require.Contains(t, text, fmt.Sprintf("*%s*", limit.Grouped))
}
