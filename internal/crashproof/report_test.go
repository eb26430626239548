package crashproof_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// write writes the document.
func (r report) write() error {
	var b strings.Builder
	fmt.Fprintf(&b, reportHead, time.Now().UTC().Format(time.DateOnly), runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(),
		processor(), runtime.Version(), commitName(), callTimeout, grace)
	b.WriteString("## What was done\n\n|")
	for _, h := range r.honest {
		b.WriteString(" | " + h.title)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---:", len(r.honest)) + "|\n")
	for _, row := range doneRows {
		b.WriteString("| " + row.what)
		for _, h := range r.honest {
			b.WriteString(" | " + row.figure(h.outcome))
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n## What went wrong\n\n|")
	for _, h := range r.honest {
		b.WriteString(" | " + h.title)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---:", len(r.honest)) + "|\n")
	for _, kind := range kinds {
		b.WriteString("| " + kind)
		for _, h := range r.honest {
			fmt.Fprintf(&b, " | %d", h.number(kind))
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n## How soon a broken engine is caught\n\n" +
		"Each is the real engine with a few lines changed, run until the judge objects. \"Within\" counts kills and pauses;\n" +
		"most are judged at the end of a round only.\n\n| sabotage | within | seconds | by |\n|---|---:|---:|---|\n")
	for _, c := range r.caught {
		fmt.Fprintf(&b, "| %s | %d | %.1f | %s |\n", c.name, c.blows, c.took.Seconds(), strings.Join(c.by, ", "))
	}
	return os.WriteFile(filepath.Join(module, "docs", "reliability.md"), []byte(b.String()), 0o644)
}

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
	{"submissions", func(o outcome) string { return fmt.Sprint(o.submissions) }},
	{"… acknowledged", func(o outcome) string { return fmt.Sprint(o.acknowledged) }},
	{"requests that arrived upstream", func(o outcome) string { return fmt.Sprint(o.requests) }},
	{"outcomes settled as unknown", func(o outcome) string { return fmt.Sprint(o.unknown) }},
	{"… and found after all", func(o outcome) string { return fmt.Sprint(o.late) }},
	{"certainly not sent", func(o outcome) string { return fmt.Sprint(o.unsent) }},
	{"operations checked for linearizability", func(o outcome) string { return fmt.Sprint(o.operations) }},
	{"deliveries to handlers", func(o outcome) string { return fmt.Sprint(o.deliveries) }},
	{"minutes", func(o outcome) string { return fmt.Sprintf("%.0f", o.took.Minutes()) }},
	{"seeds", func(o outcome) string { return fmt.Sprintf("%d to %d", o.seeds[0], o.seeds[len(o.seeds)-1]) }},
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
