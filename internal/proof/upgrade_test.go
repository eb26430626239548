package proof_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// The replicas are processes: two builds of testdata/replica, one in the commit
// before the newest migration and one in this tree. An old replica is started after
// the upgrade too, as in a rollback.
func TestReplicasOfTheBuildBeforeTheNewestMigrationWorkBesideNewOnes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it compiles the module twice")
	}
	before, now := buildReplicas(t)
	for name, newSubject := range map[string]func(*testing.T) upgraded{"sqlite": upgradedSQLite, "postgres": upgradedPostgres} {
		t.Run(name+", one after the other", func(t *testing.T) {
			t.Parallel()
			upgradeWhileOldReplicasWork(t, newSubject(t), before, now)
		})
		t.Run(name+", all at once", func(t *testing.T) {
			t.Parallel()
			createTheTablesAtOnce(t, newSubject(t), before, now)
		})
	}
}

func upgradeWhileOldReplicasWork(t *testing.T, u upgraded, before, now string) {
	t.Helper()
	a, b := startReplica(t, before, u.spec, "old-a"), startReplica(t, before, u.spec, "old-b")
	a.works(t)
	b.works(t)
	have, want := versions(u.versions(t))
	require.Equal(t, want-1, have, "the old replicas have created the tables")
	c := startReplica(t, now, u.spec, "new-c")
	for _, r := range []*replica{c, a, b} {
		r.works(t)
	}
	have, _ = versions(u.versions(t))
	require.Equal(t, want, have)
	reports := []report{a.stop(t)}
	d := startReplica(t, before, u.spec, "old-d")
	for _, r := range []*replica{d, c, b} {
		r.works(t)
	}
	for _, r := range []*replica{b, c, d} {
		reports = append(reports, r.stop(t))
	}
	requireNothingLost(t, u.open(t), reports)
}

func createTheTablesAtOnce(t *testing.T, u upgraded, before, now string) {
	t.Helper()
	var all []*replica
	var reports []report
	for i, program := range []string{before, now, before, now} {
		all = append(all, startReplica(t, program, u.spec, fmt.Sprint("replica-", i)))
	}
	for _, r := range all {
		r.works(t)
	}
	for _, r := range all {
		reports = append(reports, r.stop(t))
	}
	have, want := versions(u.versions(t))
	require.Equal(t, want, have)
	requireNothingLost(t, u.open(t), reports)
}

// upgraded is a database that is upgraded.
type upgraded struct {
	spec     string // for the replicas
	versions func(*testing.T) []schema.Version
	open     func(*testing.T) opened
}

type opened interface {
	carrierfsm.Store
	outbox.Outbox
	Close() error
}

func upgradedSQLite(t *testing.T) upgraded {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	return upgraded{
		spec: "sqlite:" + path,
		versions: func(t *testing.T) []schema.Version {
			t.Helper()
			list, err := sqlite.Versions(context.Background(), path)
			require.NoError(t, err)
			return list
		},
		open: func(t *testing.T) opened {
			t.Helper()
			s, err := sqlite.Open(context.Background(), path, sqlite.WithoutMigrate())
			require.NoError(t, err)
			return s
		},
	}
}

func upgradedPostgres(t *testing.T) upgraded {
	t.Helper()
	var shared pgtest.Shared
	t.Cleanup(func() { require.NoError(t, shared.Close()) })
	dsn := shared.Cluster(t).NewEmptyDatabase(t, "")
	config, err := pgxpool.ParseConfig(dsn)
	require.NoError(t, err)
	return upgraded{
		spec: dsn,
		versions: func(t *testing.T) []schema.Version {
			t.Helper()
			list, err := postgres.Versions(context.Background(), config)
			require.NoError(t, err)
			return list
		},
		open: func(t *testing.T) opened {
			t.Helper()
			s, err := postgres.New(context.Background(), config, postgres.WithoutMigrate())
			require.NoError(t, err)
			return s
		},
	}
}

// versions returns the version of the database and that of this build.
func versions(list []schema.Version) (have, want int) {
	for _, v := range list {
		if v.Applied {
			have = v.Number
		}
		if v.File != "" {
			want = v.Number
		}
	}
	return have, want
}

// requireNothingLost checks that each acknowledged commit is in the history, without
// gaps, and that the handlers have passed each entry once or left it to the next.
func requireNothingLost(t *testing.T, s opened, reports []report) {
	t.Helper()
	ctx := context.Background()
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	commits := 0
	var handled []int64
	for _, r := range reports {
		require.Positive(t, r.Commits)
		commits += r.Commits
		handled = append(handled, r.Handled...)
	}
	records, err := s.List(ctx, carrierfsm.Query{})
	require.NoError(t, err)
	entries := 0
	for _, r := range records {
		history, err := s.History(ctx, r.ID, 0, commits+1)
		require.NoError(t, err)
		require.Len(t, history, r.Step)
		for i, e := range history {
			require.Equal(t, i+1, e.Step)
		}
		entries += len(history)
	}
	require.Equal(t, commits, entries)
	lease, err := s.Acquire(ctx, "handler", "last", time.Hour, outbox.FromBeginning)
	require.NoError(t, err)
	for {
		batch, err := s.Pending(ctx, lease, 100)
		require.NoError(t, err)
		if len(batch.Entries) == 0 {
			break
		}
		for _, e := range batch.Entries {
			handled = append(handled, e.Position)
		}
		require.NoError(t, s.Advance(ctx, lease, batch, len(batch.Entries), nil))
	}
	slices.Sort(handled)
	require.Len(t, handled, commits)
	require.Len(t, slices.Compact(handled), commits)
}

// replica is a running process.
type replica struct {
	process *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Scanner
}

// report is what a replica did.
type report struct {
	Commits int
	Handled []int64
}

// startReplica starts a replica, which opens the store.
func startReplica(t *testing.T, program, spec, name string) *replica {
	t.Helper()
	process := exec.CommandContext(t.Context(), program, spec, name)
	process.Stderr = os.Stderr
	input, err := process.StdinPipe()
	require.NoError(t, err)
	output, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() { _ = process.Wait() }) // it is killed if the test has failed
	r := &replica{process, input, bufio.NewScanner(output)}
	r.output.Buffer(nil, 1<<24)
	return r
}

// line returns the next line that a replica prints, which is empty at the end.
func (r *replica) line() string {
	r.output.Scan()
	return r.output.Text()
}

// works waits until the replica has worked for a while from now on.
func (r *replica) works(t *testing.T) {
	t.Helper()
	_, err := io.WriteString(r.input, "work\n")
	require.NoError(t, err)
	require.Equal(t, "working", r.line())
}

// stop ends a replica and returns its report.
func (r *replica) stop(t *testing.T) (result report) {
	t.Helper()
	require.NoError(t, r.input.Close())
	require.NoError(t, json.Unmarshal([]byte(r.line()), &result))
	require.NoError(t, r.process.Wait())
	return result
}

// buildReplicas builds testdata/replica in the commit before the newest migration
// and in this tree.
func buildReplicas(t *testing.T) (before, now string) {
	t.Helper()
	names, err := fs.Glob(postgres.Migrations, "*.sql")
	require.NoError(t, err)
	output := func(name string, args ...string) string {
		text, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			t.Skipf("the history of the repository is needed: %s %v: %v: %s", name, args, err, text)
		}
		return strings.TrimSpace(string(text))
	}
	root := output("git", "rev-parse", "--show-toplevel")
	// The latest commit that has all migrations but the newest. Where branches with
	// migrations were merged, it need not be the parent of the one that added it.
	before = strings.Join(names[:len(names)-1], "\n")
	commit := ""
	for commit = range strings.Lines(output("git", "-C", root, "rev-list", "HEAD")) {
		commit = strings.TrimSpace(commit)
		if output("git", "-C", root, "ls-tree", "--name-only", commit+":store/postgres/migrations") == before {
			break
		}
	}
	folder := t.TempDir()
	archive, tree := filepath.Join(folder, "tree.tar"), filepath.Join(folder, "tree")
	output("git", "-C", root, "archive", "--output", archive, commit)
	require.NoError(t, os.Mkdir(tree, 0o700))
	output("tar", "-xf", archive, "-C", tree)
	for _, store := range []string{"postgres", "sqlite"} {
		had, err := filepath.Glob(filepath.Join(tree, "store", store, "migrations", "*.sql"))
		require.NoError(t, err)
		require.Len(t, had, len(names)-1, "%s is not the commit before the migration", commit)
	}
	replica := filepath.Join(tree, "internal/proof/testdata/replica")
	if _, err = os.Stat(replica); err != nil { // else it has its own, for the API of then
		require.NoError(t, os.CopyFS(replica, os.DirFS("testdata/replica")))
	}
	build := func(tree, program string) string {
		program = filepath.Join(folder, program)
		c := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./internal/proof/testdata/replica")
		c.Dir = tree
		text, err := c.CombinedOutput()
		require.NoError(t, err, "%s", text)
		return program
	}
	return build(tree, "before"), build(root, "now")
}
