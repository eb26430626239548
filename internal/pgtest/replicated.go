//go:build unix

package pgtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoPatroni is returned if a replicated cluster can't be started here.
var ErrNoPatroni = errors.New("pgtest: a replicated cluster needs root, and on Debian: apt-get install postgresql patroni etcd-server iproute2")

// ReplicatedOptions configure a replicated cluster.
type ReplicatedOptions struct {
	Nodes int // the primary and its standbys
	// Asynchronous lets the primary commit without a standby. Otherwise each commit
	// waits for one. When a standby of a pair is lost, Patroni lets the primary commit
	// alone, and does not promote that standby until it has caught up; with more nodes,
	// commits wait until there is a standby again (the strict mode).
	Asynchronous bool
	// TTL is the life of the primary's lock. A standby takes over after it. Newer
	// versions of Patroni refuse less than 20 s.
	TTL time.Duration
}

// Replicated is a primary and its standbys, run by Patroni, with one etcd. Each node has
// a network namespace of its own, so that it can be cut off. Its methods are not safe
// for concurrent use.
type Replicated struct {
	options  ReplicatedOptions
	folder   string
	programs runner
	network  *network
	nodes    []*Node
	etcd     daemon
	etcdURL  string
	section  string // of Patroni's configuration, that has etcd
	watch    *watcher
}

// StartReplicated starts a cluster and waits until it is healthy. If a program is
// missing, the test is skipped; with CARRIERFSM_POSTGRES=required it fails. The
// cluster is closed when the test ends.
func StartReplicated(tb testing.TB, o ReplicatedOptions) *Replicated {
	tb.Helper()
	r, err := startReplicated(tb.Context(), o)
	switch {
	case (errors.Is(err, ErrNoPatroni) || errors.Is(err, ErrMissing)) && os.Getenv(requiredVariable) != "required":
		tb.Skip(err)
	case err != nil:
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

func startReplicated(ctx context.Context, o ReplicatedOptions) (_ *Replicated, err error) {
	run, err := findPrograms()
	if err != nil {
		return nil, err
	}
	for _, program := range []string{"patroni", "etcd", "ip"} {
		if _, err := exec.LookPath(program); err != nil || os.Geteuid() != 0 {
			return nil, errors.Join(ErrNoPatroni, err)
		}
	}
	folder, err := makeFolder()
	if err != nil {
		return nil, err
	}
	r := &Replicated{options: o, folder: folder, programs: run}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.logs(), r.close())
		}
	}()
	if err := run.chown(folder); err != nil {
		return nil, err
	}
	if err := r.setUp(); err != nil {
		return nil, err
	}
	for _, n := range r.nodes {
		if err := n.Start(); err != nil {
			return nil, err
		}
		if n == r.nodes[0] { // it creates the cluster
			if err := r.await(ctx, "the first primary", healthyWithin, n.isPrimary); err != nil {
				return nil, err
			}
		}
	}
	return r, r.Healthy(ctx)
}

// setUp creates the network, starts etcd and configures the nodes.
func (r *Replicated) setUp() (err error) {
	if r.network, err = newNetwork(); err != nil {
		return err
	}
	if r.watch, err = r.watcher(); err != nil {
		return err
	}
	if err := r.startEtcd(); err != nil {
		return err
	}
	for i := range r.options.Nodes {
		n, err := r.newNode(i)
		if err != nil {
			return err
		}
		r.nodes = append(r.nodes, n)
	}
	return nil
}

// etcdSection returns which section of Patroni's configuration has etcd, which decides
// about its API. With the v3 API, Patroni before 3.0.3 writes the lock of a primary that
// was frozen and thawed over the lock of the new primary, so it gets the v2 API.
func etcdSection() (string, error) {
	output, err := exec.Command("patroni", "--version").Output() //nolint:noctx // it does not block
	if err != nil {
		return "", fmt.Errorf("pgtest: patroni --version: %w", err)
	}
	var name string
	var major, minor, patch int
	if _, err := fmt.Sscanf(string(output), "%s %d.%d.%d", &name, &major, &minor, &patch); err != nil {
		return "", fmt.Errorf("pgtest: patroni --version: %q: %w", output, err)
	}
	if slices.Compare([]int{major, minor, patch}, []int{3, 0, 3}) < 0 {
		return "etcd", nil
	}
	return "etcd3", nil
}

// startEtcd starts etcd with the API that Patroni needs.
func (r *Replicated) startEtcd() (err error) {
	if r.section, err = etcdSection(); err != nil {
		return err
	}
	r.etcdURL = r.network.host() + ":2379"
	client, peer := "http://"+r.etcdURL, "http://"+r.network.host()+":2380"
	folder := filepath.Join(r.folder, "etcd")
	if err := errors.Join(os.Mkdir(folder, 0o700), r.programs.chown(folder)); err != nil {
		return err
	}
	c := r.programs.command(folder, "etcd", "--name", "only", "--data-dir", filepath.Join(folder, "data"), "--logger", "zap",
		"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer, "--initial-cluster", "only="+peer)
	if r.section == "etcd" {
		c.Args = append(c.Args, "--enable-v2")
	}
	r.etcd = daemon{folder: folder, command: c}
	return r.etcd.start()
}

// DSN returns the connection string of a database, with which a client finds the
// primary.
func (r *Replicated) DSN(database string) string {
	var hosts []string
	for _, n := range r.nodes {
		hosts = append(hosts, n.host)
	}
	return fmt.Sprintf("host=%s user=postgres dbname=%s sslmode=disable target_session_attrs=read-write connect_timeout=2",
		strings.Join(hosts, ","), database)
}

// NewDatabase creates an empty database and returns its connection string. All nodes
// have it then: to a client, one that has not is an error and not a reason to ask the
// next.
func (r *Replicated) NewDatabase(ctx context.Context, name string) (dsn string, err error) {
	conn, err := pgx.Connect(ctx, r.DSN("postgres"))
	if err != nil {
		return "", err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name, pgx.QueryExecModeSimpleProtocol)
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return "", err
	}
	has := fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_database WHERE datname = '%s')", name)
	return r.DSN(name), r.await(ctx, "the database on all nodes", healthyWithin, func(ctx context.Context) bool {
		return !slices.ContainsFunc(r.nodes, func(n *Node) bool {
			var known bool
			return n.query(ctx, has, &known) != nil || !known
		})
	})
}

// Primary returns the node that accepts writes.
func (r *Replicated) Primary(ctx context.Context) (*Node, error) {
	for _, n := range r.nodes {
		if n.isPrimary(ctx) {
			return n, nil
		}
	}
	return nil, errors.New("pgtest: no node is the primary")
}

// Standbys returns the nodes other than the primary.
func (r *Replicated) Standbys(primary *Node) (list []*Node) {
	for _, n := range r.nodes {
		if n != primary {
			list = append(list, n)
		}
	}
	return list
}

// FailedOver waits until another node than the former primary is the primary.
func (r *Replicated) FailedOver(ctx context.Context, former *Node) error {
	return r.await(ctx, "another primary", healthyWithin, func(ctx context.Context) bool {
		return slices.ContainsFunc(r.Standbys(former), func(n *Node) bool { return n.isPrimary(ctx) })
	})
}

// Freeze stops etcd's process, and Thaw continues it.
func (r *Replicated) Freeze() error { return r.etcd.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (r *Replicated) Thaw() error { return r.etcd.signal(syscall.SIGCONT) }

// Switchover makes a standby the primary, as an administrator does.
func (r *Replicated) Switchover(ctx context.Context) error {
	primary, err := r.Primary(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"leader": primary.name})
	if err != nil {
		return err
	}
	_, err = primary.ask(ctx, http.MethodPost, "/switchover", string(body))
	return err
}

// countStreaming is run on the primary.
const countStreaming = `SELECT count(*), count(*) FILTER (WHERE sync_state = 'sync') FROM pg_stat_replication
	WHERE state = 'streaming' AND application_name LIKE 'node%'`

// Healthy waits until all standbys stream from the primary and, if replication is
// synchronous, Patroni knows them as synchronous ones. If that takes long, it
// replaces the standbys, as an operator would: when Patroni 3.0.2 demotes a primary twice
// at the same time, it can lose track of a server that runs.
func (r *Replicated) Healthy(ctx context.Context) error {
	if err := r.await(ctx, "the standbys", repairAfter, r.isHealthy); err == nil || ctx.Err() != nil {
		return err
	}
	primary, err := r.Primary(ctx)
	if err != nil {
		return errors.Join(err, r.logs())
	}
	for _, n := range r.Standbys(primary) {
		err = errors.Join(err, n.Replace())
	}
	return errors.Join(err, r.await(ctx, "the replaced standbys", healthyWithin, r.isHealthy))
}

func (r *Replicated) isHealthy(ctx context.Context) bool {
	primary, err := r.Primary(ctx)
	if err != nil {
		return false
	}
	standbys := r.options.Nodes - 1
	var streaming, synchronous int
	if err := primary.query(ctx, countStreaming, &streaming, &synchronous); err != nil || streaming < standbys {
		return false
	}
	if r.options.Asynchronous {
		return true
	}
	members, err := primary.ask(ctx, http.MethodGet, "/cluster", "")
	return err == nil && synchronous == standbys && strings.Count(members, `"role": "sync_standby"`) == standbys
}

// How long a cluster may take to be healthy, by itself and after a repair.
const (
	repairAfter   = 20 * time.Second
	healthyWithin = time.Minute
)

// await waits until done, which is asked again and again, or for the time within.
func (r *Replicated) await(ctx context.Context, what string, within time.Duration, done func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !done(ctx) {
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("pgtest: %s: %w", what, ctx.Err()), r.logs())
		case <-tick.C:
		}
	}
	return nil
}

// logs returns the ends of the logs, as an error.
func (r *Replicated) logs() error {
	var text strings.Builder
	names, _ := filepath.Glob(filepath.Join(r.folder, "*", "log"))
	for _, name := range names {
		log, _ := os.ReadFile(name)
		fmt.Fprintf(&text, "%s:\n%s\n", name, log[max(0, len(log)-2000):])
	}
	return errors.New(text.String())
}

// Log writes the log of each node to a file in a folder, which it creates.
func (r *Replicated) Log(folder string) error {
	errs := []error{os.MkdirAll(folder, 0o700)}
	for _, n := range r.nodes {
		text, err := os.ReadFile(n.log())
		errs = append(errs, err, os.WriteFile(filepath.Join(folder, n.name+".patroni.log"), text, 0o600))
	}
	return errors.Join(errs...)
}

// close ends all processes. The watcher removes the rest.
func (r *Replicated) close() error {
	var errs []error
	for _, n := range r.nodes {
		errs = append(errs, n.kill())
	}
	return errors.Join(append(errs, r.etcd.kill(), r.watch.close(), os.RemoveAll(r.folder))...)
}

// orphansScript waits for the end of its standard input. Then it ends the processes
// whose working directory is in the folder, and removes the folder and the network, the
// bridge last: another test may use its name then.
const orphansScript = `read -r _
for i in 1 2 3; do for p in /proc/[0-9]*; do case "$(readlink "$p/cwd")" in "$1"/*) kill -9 "${p#/proc/}";; esac; done; done
rm -rf "$1"
for l in /sys/class/net/"$2"[io]*; do ip link del "${l##*/}"; done
for n in /run/netns/"$2"n*; do ip netns del "${n##*/}"; done
ip link del "$2"`

func (r *Replicated) watcher() (*watcher, error) {
	return runner{}.watching(orphansScript, r.folder, r.network.bridge())
}
