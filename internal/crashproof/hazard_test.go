package crashproof_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

var nightlyFlag = flag.Bool("nightly", false, "run the rounds in which the server or a replica lacks something; needs root, gcc and pgbouncer")

// hazard is what happens to one server or to the replicas in a round.
type hazard struct {
	name    string
	options pgtest.Options
	pooled  bool   // the replicas connect through pgbouncer
	sign    string // in the server's log, if it struck there
	strike  func(context.Context, *world, *pgtest.Cluster) error
}

// hazards are all of them. Each strikes several times.
var hazards = []hazard{
	{name: "server frozen", strike: func(ctx context.Context, w *world, c *pgtest.Cluster) error {
		err := c.Freeze()
		rest(ctx, between(newRand(w.seed, "freeze", 0), 500*time.Millisecond, 3*time.Second))
		return errors.Join(err, c.Thaw())
	}},

	{name: "disk full", sign: "No space left on device", options: pgtest.Options{DiskSize: "300m"}, strike: func(ctx context.Context, _ *world, c *pgtest.Cluster) error {
		err := c.FillDisk()
		rest(ctx, time.Second)
		_, _ = administer(ctx, c, "SELECT pg_switch_wal()") // the next segment does not fit
		rest(ctx, time.Second)
		return errors.Join(err, c.FreeDisk(), c.Revive(ctx))
	}},

	{name: "fsync fails", sign: "PANIC", options: pgtest.Options{FailingSync: true}, strike: func(ctx context.Context, _ *world, c *pgtest.Cluster) error {
		err := c.FailSync()
		rest(ctx, time.Second)
		return errors.Join(err, c.MendSync(), c.Revive(ctx))
	}},

	{name: "connections exhausted", sign: "too many clients already", options: pgtest.Options{Settings: map[string]string{"max_connections": "40"}}, strike: exhaustConnections},

	{name: "server stopped behind pgbouncer", pooled: true, strike: func(ctx context.Context, _ *world, c *pgtest.Cluster) error {
		err := c.StopImmediate()
		rest(ctx, time.Second)
		return errors.Join(err, c.Restart())
	}},

	{name: "file descriptors exhausted", strike: func(ctx context.Context, w *world, _ *pgtest.Cluster) error {
		var errs []error
		for _, m := range w.processes {
			errs = append(errs, m.limitFiles("16"))
		}
		rest(ctx, 1500*time.Millisecond)
		for _, m := range w.processes {
			errs = append(errs, m.limitFiles("4096"))
		}
		return errors.Join(errs...)
	}},
}

// strikes is how often a hazard strikes in a round.
const strikes = 3

// endure makes the hazard, and waits after each strike until people are served.
func (w *world) endure(ctx context.Context) error {
	for range strikes {
		rest(ctx, loadBefore)
		if err := w.hazard.strike(ctx, w, w.database.cluster); err != nil {
			return err
		}
		w.awaitService(ctx)
	}
	rest(ctx, loadAfter)
	if !w.database.cluster.Logged(w.hazard.sign) {
		return fmt.Errorf("the server's log does not have %q", w.hazard.sign)
	}
	return nil
}

// administer runs a statement with a connection of its own.
func administer(ctx context.Context, c *pgtest.Cluster, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return "", err
	}
	tag, err := conn.Exec(ctx, sql)
	return tag.String(), errors.Join(err, conn.Close(ctx))
}

// exhaustConnections takes all connections of the server, those of the replicas too.
func exhaustConnections(ctx context.Context, w *world, c *pgtest.Cluster) error {
	var taken []*pgx.Conn
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		conn, err := pgx.Connect(ctx, c.DSN("postgres"))
		if err != nil && len(taken) > 0 { // none is left
			const some = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname <> 'postgres' AND random() < 0.3`
			_, _ = taken[0].Exec(ctx, some)
			rest(ctx, 20*time.Millisecond)
			continue
		}
		taken = append(taken, conn)
	}
	w.cuts.Add(int64(len(taken)))
	var errs []error
	for _, conn := range taken {
		errs = append(errs, conn.Close(ctx))
	}
	return errors.Join(errs...)
}

// limitFiles sets how many files the process may open.
func (m *replicaProcess) limitFiles(n string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	output, err := exec.Command("prlimit", "--pid", fmt.Sprint(m.process.Process.Pid), "--nofile="+n+":").CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit: %w: %s", err, output)
	}
	return nil
}

// What a server or a replica lacks for a while, its disk, its connections or its time,
// loses and repeats nothing.
func TestNothingIsLostWhateverTheServerLacks(t *testing.T) {
	if !*nightlyFlag {
		t.Skip("it takes minutes: run as root with -nightly, after apt-get install postgresql pgbouncer gcc util-linux")
	}
	if os.Geteuid() != 0 {
		t.Fatal("a disk can be mounted by root only")
	}
	seed := firstSeed()
	for _, h := range hazards {
		t.Run(strings.ReplaceAll(h.name, " ", "_"), func(t *testing.T) {
			requireHonest(t, runRound(t, plan{store: inPostgres, replicas: 3, people: 24, seed: seed, hazard: &h}))
		})
	}
}
