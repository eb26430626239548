package crashproof_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is what docs/reliability.md tells.
type report struct {
	honest []result
	caught []catch
}

// result is what came of one figure.
type result struct {
	title string
	outcome
}

const reportHead = `# Reliability

Made by ` + "`go test ./internal/crashproof -figures release -timeout 6h`" + `, which runs the real thing as separate processes
and crashes it: kill -9, SIGSTOP for longer than the leases, immediate stops of the database, connections that are cut.
Meanwhile people answer, click twice, lose patience, come back, answer old prompts. What is counted and how:
` + "`internal/crashproof`" + `.

%s, %s, %d processors (%s), %s. Commit %s.

A kill is "kill -9" of a replica and its start anew; a pause is longer than a call with its grace, and than a handler's
lease. Times are divided: a call may take %s, the grace is %s. SQLite runs with synchronous=FULL, PostgreSQL with fsync on.

`

// write writes the document. It takes over the figure of mutation testing.
func (r report) write() error {
	mutation, err := mutationFigure()
	if err != nil {
		return err
	}
	return os.WriteFile(document("reliability.md"), []byte(r.text(mutation)), 0o644)
}

func (r report) text(mutation string) string {
	var b strings.Builder
	fmt.Fprintf(&b, reportHead, time.Now().UTC().Format(time.DateOnly), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(),
		processor(), runtime.Version(), commitName(), callTimeout, grace)
	b.WriteString("## What was done\n\n")
	r.table(&b, len(doneRows), func(row int, o outcome) (string, string) {
		return doneRows[row].what, doneRows[row].figure(o)
	})
	b.WriteString("\n## What went wrong\n\n")
	r.table(&b, len(kinds), func(row int, o outcome) (string, string) {
		return kinds[row], fmt.Sprint(o.number(kinds[row]))
	})
	b.WriteString(reportTeeth)
	for _, c := range r.caught {
		fmt.Fprintf(&b, "| %s | %d | %.1f | %s |\n", c.name, c.blows, c.took.Seconds(), strings.Join(c.by, ", "))
	}
	b.WriteString(reportMutation + figureBegin + mutation + figureEnd)
	return b.String()
}

// table writes a row for each of n things, with a column for each result.
func (r report) table(b *strings.Builder, n int, cell func(row int, o outcome) (what, figure string)) {
	b.WriteString("| ")
	for _, h := range r.honest {
		b.WriteString("| " + h.title + " ")
	}
	b.WriteString("|\n|---" + strings.Repeat("|---:", len(r.honest)) + "|\n")
	for row := range n {
		what := ""
		figures := ""
		for _, h := range r.honest {
			var figure string
			what, figure = cell(row, h.outcome)
			figures += " | " + figure
		}
		b.WriteString("| " + what + figures + " |\n")
	}
}

const reportTeeth = `
## How soon a broken engine is caught

Each is the real engine with a few lines changed, or with a port that means well, run until the judge objects. "Within"
counts kills and pauses. Only what arrives twice is noticed at once; the rest is judged at the end of a round.

| sabotage | within | seconds | by |
|---|---:|---:|---|
`

const reportMutation = `
## Would a test notice a wrong line?

The root package, changed in one small place at a time, each time held against its own tests: [mutation.md](mutation.md)
tells how, and why those live that do.

`

// doneRows are the rows of the first table.
var doneRows = []struct {
	what   string
	figure func(outcome) string
}{
	{"replicas killed", func(o outcome) string { return fmt.Sprint(o.kills) }},
	{"people waiting for an answer at each", func(o outcome) string { return fmt.Sprintf("%.1f", float64(o.waiting)/float64(max(o.kills, 1))) }},
	{"replicas paused", func(o outcome) string { return fmt.Sprint(o.pauses) }},
	{"immediate stops of the database", func(o outcome) string { return fmt.Sprint(o.stops) }},
	{"connections cut, upstream gone", func(o outcome) string { return fmt.Sprint(o.cuts) }},
	{"verifications", func(o outcome) string { return fmt.Sprint(o.verifications) }},
	{"… that came to be done", func(o outcome) string { return fmt.Sprint(o.done) }},
	{"passwords reset", func(o outcome) string { return fmt.Sprint(o.resets) }},
	{"sources left out", func(o outcome) string { return fmt.Sprint(o.skips) }},
	{"submissions", func(o outcome) string { return fmt.Sprint(o.submissions) }},
	{"… acknowledged", func(o outcome) string { return fmt.Sprint(o.acknowledged) }},
	{"requests that arrived upstream", func(o outcome) string { return fmt.Sprint(o.requests) }},
	{"outcomes settled as unknown", func(o outcome) string { return fmt.Sprint(o.unknown) }},
	{"… and found after all", func(o outcome) string { return fmt.Sprint(o.late) }},
	{"certainly not sent", func(o outcome) string { return fmt.Sprint(o.unsent) }},
	{"operations checked for linearizability", func(o outcome) string { return fmt.Sprint(o.operations) }},
	{"deliveries to handlers", func(o outcome) string { return fmt.Sprint(o.deliveries) }},
	{"minutes", func(o outcome) string { return fmt.Sprintf("%.0f", o.took.Minutes()) }},
	{"seeds", func(o outcome) string { return fmt.Sprintf("%d to %d", slices.Min(o.seeds), slices.Max(o.seeds)) }},
}

// number counts the violations of a kind.
func (o outcome) number(kind string) (n int) {
	for _, v := range o.violations {
		if v.kind == kind {
			n++
		}
	}
	return n
}

// commitName is what was run.
func commitName() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// processor is what /proc says of the machine; empty elsewhere.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, found := strings.CutPrefix(lines.Text(), "model name"); found {
			return strings.TrimLeft(name, "\t :")
		}
	}
	return "unknown"
}
