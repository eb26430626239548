//go:build unix

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Node is one server of a replicated cluster: Patroni and its PostgreSQL.
type Node struct {
	daemon
	name    string
	host    string // for clients
	rest    string // Patroni's address
	network *network
	number  int
}

// daemon is a program that runs in the background. Its processes and those that it
// starts are found by their working directory.
type daemon struct {
	folder  string
	command *exec.Cmd // a template: each start runs a copy
	process *exec.Cmd // nil: it does not run
}

// start starts it. Its output is appended to the log.
func (d *daemon) start() error {
	output, err := os.OpenFile(d.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = output.Close() }()
	c := exec.Command(d.command.Args[0], d.command.Args[1:]...) //nolint:noctx,gosec // it ends by kill
	c.Dir, c.SysProcAttr, c.Stdout, c.Stderr = d.command.Dir, d.command.SysProcAttr, output, output
	if err := c.Start(); err != nil {
		return err
	}
	d.process = c
	return nil
}

func (d *daemon) log() string { return filepath.Join(d.folder, "log") }

// processes returns the ids of all its processes, without those that have ended.
func (d *daemon) processes() (list []int, err error) {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		folder, err := os.Readlink(link) // fails if the process has ended
		if err == nil && (folder == d.folder || strings.HasPrefix(folder, d.folder+"/")) {
			n, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			list = append(list, n)
		}
	}
	return list, err
}

// signal sends a signal to all its processes, and to those that they have started
// meanwhile.
func (d *daemon) signal(s syscall.Signal) error {
	sent := make(map[int]bool)
	for more := true; more; {
		list, err := d.processes()
		if err != nil {
			return err
		}
		more = false
		for _, pid := range list {
			if !sent[pid] {
				_ = syscall.Kill(pid, s) // it may have ended
				sent[pid], more = true, true
			}
		}
	}
	return nil
}

// kill ends all its processes at once, as a loss of power would.
func (d *daemon) kill() error {
	if d.process == nil {
		return nil
	}
	err := errors.Join(d.signal(syscall.SIGSTOP), d.signal(syscall.SIGKILL)) // so that none starts another one
	_ = d.process.Wait()
	d.process = nil
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(endsWithin); ; <-tick.C {
		left, errList := d.processes()
		if len(left) == 0 || errList != nil || time.Now().After(end) {
			return errors.Join(err, errList)
		}
	}
}

// endsWithin bounds the wait for the end of killed processes.
const endsWithin = 10 * time.Second

// restPort is the port of Patroni in nodeConfig.
const restPort = 8008

// nodeConfig is the configuration of Patroni. A node that does not fit the new primary's
// timeline is copied again from there: for a former primary that is faster than pg_rewind
// here. All standbys are synchronous: one that is not could be ahead of the one that is
// promoted, and would have to be rewound before the strict mode lets commits succeed.
const nodeConfig = `scope: crashproof
name: %[1]s
restapi: {listen: '0.0.0.0:8008', connect_address: '%[2]s:8008'}
%[10]s: {host: '%[3]s'}
watchdog: {mode: 'off'}
bootstrap:
  dcs:
    ttl: %[4]d
    loop_wait: 1
    retry_timeout: %[5]d
    maximum_lag_on_failover: 1073741824
    synchronous_mode: %[6]t
    synchronous_mode_strict: %[7]t
    synchronous_node_count: %[11]d
    postgresql:
      use_pg_rewind: %[7]t
      parameters: {max_connections: 200, shared_buffers: 64MB, max_wal_size: 1GB, timezone: Asia/Shanghai, wal_retrieve_retry_interval: 500ms}
  initdb: [encoding: UTF8, locale: C, auth: trust, no-sync]
postgresql:
  listen: '0.0.0.0:5432'
  connect_address: '%[2]s:5432'
  data_dir: '%[8]s/data'
  bin_dir: '%[9]s'
  pgpass: '%[8]s/pgpass'
  use_unix_socket: true
  basebackup: [checkpoint: fast]
  remove_data_directory_on_diverged_timelines: true
  remove_data_directory_on_rewind_failure: true
  authentication: {superuser: {username: postgres}, replication: {username: postgres}}
  parameters: {unix_socket_directories: '%[8]s'}
  pg_hba: ['local all all trust', 'host all all all trust', 'host replication all all trust']
`

func (r *Replicated) newNode(number int) (*Node, error) {
	n := &Node{name: fmt.Sprintf("node%d", number), number: number, network: r.network}
	n.folder = filepath.Join(r.folder, n.name)
	if err := errors.Join(os.Mkdir(n.folder, 0o700), r.programs.chown(n.folder), r.network.add(number)); err != nil {
		return nil, err
	}
	outer, inner := r.network.node(number)
	n.host, n.rest = outer, fmt.Sprintf("http://%s:%d", outer, restPort)
	ttl := int(r.options.TTL.Seconds())
	config := fmt.Sprintf(nodeConfig, n.name, inner, r.etcdURL, ttl, (ttl-1)/2, !r.options.Asynchronous, !r.options.Asynchronous && r.options.Nodes > 2,
		n.folder, r.programs.folder, r.section, r.options.Nodes-1)
	path := filepath.Join(n.folder, "patroni.yml")
	if err := errors.Join(os.WriteFile(path, []byte(config), 0o600), r.programs.chown(path)); err != nil {
		return nil, err
	}
	n.command = r.programs.command(n.folder, "patroni", path)
	r.network.enter(n.command, number)
	return n, nil
}

// Start starts the node, also after Kill.
func (n *Node) Start() error { return errors.Join(n.Mend(), n.start()) }

// Kill ends all processes of the node at once. What the kernel has not sent of their
// data is not sent any more.
func (n *Node) Kill() error { return errors.Join(n.CutOff(false), n.kill()) }

// Replace replaces the node by a new copy of the primary.
func (n *Node) Replace() error {
	return errors.Join(n.Kill(), os.RemoveAll(filepath.Join(n.folder, "data")), n.Start())
}

// Freeze stops all processes of the node, and Thaw continues them.
func (n *Node) Freeze() error { return n.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (n *Node) Thaw() error { return n.signal(syscall.SIGCONT) }

// CutOff cuts the node off from etcd and the other nodes; unless reachable, also from
// its clients.
func (n *Node) CutOff(reachable bool) error { return n.network.cut(n.number, !reachable) }

// Mend ends CutOff.
func (n *Node) Mend() error { return n.network.mend(n.number) }

func (n *Node) isPrimary(ctx context.Context) bool {
	var standby bool
	err := n.query(ctx, "SELECT pg_is_in_recovery()", &standby)
	return err == nil && !standby
}

// query reads one row from this node.
func (n *Node) query(ctx context.Context, sql string, into ...any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s user=postgres dbname=postgres sslmode=disable", n.host))
	if err != nil {
		return err
	}
	return errors.Join(conn.QueryRow(ctx, sql).Scan(into...), conn.Close(ctx))
}

// ask sends a request to the node's Patroni.
func (n *Node) ask(ctx context.Context, method, path, body string) (answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, n.rest+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("pgtest: %s: %s: %s", path, response.Status, text)
	}
	return string(text), err
}
