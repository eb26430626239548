package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/engine"
	"github.com/carrierfsm/carrierfsm/bench/measure/limit"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

var media = []subject.Medium{subject.SQLiteFull, subject.Postgres, subject.SQLiteNormal, subject.Memory}

// facts is the section on the machine and the versions.
func (d *document) facts(r *Run) {
	m := r.Machine
	d.say("## Machine and versions")
	d.table("", "")
	for _, fact := range [][2]string{
		{"commit", "`" + m.Commit + "`"},
		{"dose", fmt.Sprintf("-%s: %d rounds, %s each", r.Dose, r.Rounds, r.Each)},
		{"processor", fmt.Sprintf("%d × %s", m.Cores, m.CPU)},
		{"memory", m.Memory},
		{"kernel", "Linux " + m.Kernel},
		{"one fsync of 4 KiB", number(m.Fsync.Seconds()*1e3) + " ms"},
		{"load average when it began", m.Load},
		{"Go", m.Go},
		{"PostgreSQL", m.Postgres + ", fsync, full_page_writes and synchronous_commit on, shared_buffers 128 MB, unix socket"},
		{"SQLite", "modernc.org/sqlite " + m.Versions["modernc.org/sqlite"]},
		{"jackc/pgx", m.Versions["github.com/jackc/pgx/v5"]},
	} {
		d.row(fact[0], fact[1])
	}
	for _, path := range slices.Sorted(maps.Keys(peerModules)) {
		d.row(peerModules[path], m.Versions[path])
	}
	for _, path := range []string{temporal.Server, temporal.SDK} {
		d.row(path, cmp.Or(r.Elsewhere[path], "not measured"))
	}
	d.end()
}

// peerModules maps the modules of the competitors to their names.
var peerModules = map[string]string{
	"github.com/looplab/fsm":                   "looplab/fsm",
	"github.com/qmuntal/stateless":             "qmuntal/stateless",
	"github.com/cschleiden/go-workflows":       "cschleiden/go-workflows",
	"github.com/dbos-inc/dbos-transact-golang": "dbos-inc/dbos-transact-golang",
	"github.com/riverqueue/river":              "riverqueue/river",
}

// Text is all tables for a terminal.
func (r *Run) Text() string {
	d := new(document)
	d.say("a plain verification: %d commits, %d transitions, %d loads", r.Recipe.Commits, r.Recipe.Transitions, r.Recipe.Loads)
	d.inMemory(r)
	d.everything(r)
	d.againstLimit(r)
	d.againstPeers(r)
	d.crowds(r)
	d.grown(r)
	return d.String()
}

// prose is the explanations with their figures.
func (r *Run) prose() string {
	return strings.NewReplacer(
		"{commits}", fmt.Sprint(r.Recipe.Commits), "{loads}", fmt.Sprint(r.Recipe.Loads), "{transitions}", fmt.Sprint(r.Recipe.Transitions),
		"{alone}", limit.Alone, "{grouped}", limit.Grouped, "{batched}", limit.Batched, "{profile}", r.profile(),
	).Replace(prose)
}

// profile compares the cost of a commit with the baseline's.
func (r *Run) profile() string {
	ours, hand := r.samples(engine.Name, subject.SQLiteFull, 64), r.samples(limit.Grouped, subject.SQLiteFull, 64)
	commits := float64(max(r.Recipe.Commits, 1))
	per := func(s []drive.Sample, f func(drive.Sample) float64) string {
		return number(figure(s, f).Median / commits)
	}
	return fmt.Sprintf("With 64 drivers on SQLite FULL a commit of ours takes %s µs of CPU and %s allocations,\none of the baseline %s µs and %s.",
		per(ours, cpu), per(ours, mallocs), per(hand, cpu), per(hand, mallocs))
}
