package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm/bench/measure/baseline"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

var media = []subject.Medium{subject.SQLiteFull, subject.Postgres, subject.SQLiteNormal, subject.Memory}

// facts adds the table of the machine and the versions.
func (d *document) facts(r *Run) {
	m := r.Machine
	d.paragraph("## Machine and versions")
	d.table("", "")
	for _, fact := range [][2]string{
		{"commit", "`" + m.Commit + "`"},
		{"run", fmt.Sprintf("-%s: %d rounds, %s for each cell", r.Preset, r.Rounds, r.Each)},
		{"processor", fmt.Sprintf("%d × %s", m.Cores, m.CPU)},
		{"memory", m.Memory},
		{"kernel", "Linux " + m.Kernel},
		{"one fsync of 4 KiB", number(m.Fsync.Seconds()*1e3) + " ms"},
		{"load average at the start", m.Load},
		{"Go", m.Go},
		{"PostgreSQL", m.Postgres + ", fsync, full_page_writes and synchronous_commit on, shared_buffers 128 MB, unix socket"},
		{"SQLite", "modernc.org/sqlite " + m.Versions["modernc.org/sqlite"]},
		{"jackc/pgx", m.Versions["github.com/jackc/pgx/v5"]},
	} {
		d.row(fact[0], fact[1])
	}
	for _, path := range slices.Sorted(maps.Keys(competitorModules)) {
		d.row(competitorModules[path], m.Versions[path])
	}
	for _, path := range []string{temporal.Server, temporal.SDK} {
		d.row(path, cmp.Or(r.TemporalVersions[path], "not measured"))
	}
	d.end()
}

// competitorModules are the modules of the competitors: path → name.
var competitorModules = map[string]string{
	"github.com/looplab/fsm":                    "looplab/fsm",
	"github.com/qmuntal/stateless":              "qmuntal/stateless",
	"github.com/cschleiden/go-workflows":        "cschleiden/go-workflows",
	"github.com/dbos-inc/dbos-transact-golang":  "dbos-inc/dbos-transact-golang",
	"github.com/riverqueue/river":               "riverqueue/river",
	"github.com/ThreeDotsLabs/watermill-sql/v4": "ThreeDotsLabs/watermill-sql",
}

// Text returns the figures as tables for a terminal.
func (r *Run) Text() string {
	d := new(document)
	d.paragraph("a plain verification: %d commits, %d transitions, %d loads", r.Recipe.Commits, r.Recipe.Transitions, r.Recipe.Loads)
	d.inMemory(r)
	d.allCells(r)
	d.baselineTable(r)
	d.workTable(r)
	d.formsTable(r)
	d.competitorsTable(r)
	d.concurrency(r)
	d.deliveries(r)
	d.largeStores(r)
	return d.String()
}

// prose returns the text that explains the measurements.
func (r *Run) prose() string {
	return strings.NewReplacer(
		"{commits}", fmt.Sprint(r.Recipe.Commits), "{loads}", fmt.Sprint(r.Recipe.Loads), "{transitions}", fmt.Sprint(r.Recipe.Transitions),
		"{alone}", baseline.Alone, "{grouped}", baseline.Grouped, "{profile}", r.profileSentence(), "{work}", r.workSentence(),
		"{createdFirst}", engine.CreatedFirst, "{baselineCreatedFirst}", baseline.CreatedFirst,
	).Replace(prose)
}

// profileSentence compares the cost of a commit with that of the baseline.
func (r *Run) profileSentence() string {
	ours, base := r.samples(engine.Name, subject.SQLiteFull, 64), r.samples(baseline.Grouped, subject.SQLiteFull, 64)
	commits := float64(max(r.Recipe.Commits, 1))
	per := func(s []drive.Sample, f func(drive.Sample) float64) string {
		return number(figure(s, f).Median / commits)
	}
	return fmt.Sprintf("With 64 drivers on SQLite FULL, a commit takes %s µs of CPU and %s allocations; one of the baseline takes %s µs and %s.",
		per(ours, cpu), per(ours, mallocs), per(base, cpu), per(base, mallocs))
}
