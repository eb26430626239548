package crashproof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// replicaProcess is one replica, which may be killed and started again. Its socket
// outlives the process, like the queue of a load balancer: a request between two lives
// waits for the next one.
type replicaProcess struct {
	name    string
	program string
	socket  *os.File // the listener
	path    string
	stderr  *os.File
	client  *http.Client
	calling atomic.Int64 // people who wait for a response

	mu      sync.Mutex
	config  settings
	process *exec.Cmd
	alive   io.Closer // its standard input
}

func newReplicaProcess(folder string, n int, program string, s settings) (*replicaProcess, error) {
	name := "replica" + strconv.Itoa(n)
	path := filepath.Join(folder, name+".sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	l.SetUnlinkOnClose(false)
	socket, err := l.File()
	if err != nil {
		return nil, err
	}
	stderr, err := os.Create(filepath.Join(folder, name+".log"))
	if err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	s.Journal = filepath.Join(folder, name+".journal")
	m := &replicaProcess{name: name, program: program, config: s, socket: socket, path: path, stderr: stderr}
	m.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	return m, nil
}

// readdress gives it other shards, from its next start on.
func (m *replicaProcess) readdress(list []shardAddress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.config.Shards = list
}

// start starts the process, unless it runs.
func (m *replicaProcess) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != nil {
		return nil
	}
	config, err := json.Marshal(m.config)
	if err != nil {
		return err
	}
	c := exec.Command(m.program)
	c.Env = append(os.Environ(), replicaEnv+"="+string(config))
	c.ExtraFiles = []*os.File{m.socket}
	c.Stderr = m.stderr
	// In a process group of its own, so that the system ends it with this process even
	// while it is paused.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return errors.Join(err, alive.Close())
	}
	m.process, m.alive = c, alive
	return nil
}

// kill is kill -9. It returns how many people were waiting for a response.
func (m *replicaProcess) kill() (waiting int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process == nil {
		return 0
	}
	waiting = int(m.calling.Load())
	_ = m.process.Process.Kill()
	_ = m.process.Wait()
	_ = m.alive.Close()
	m.process = nil
	return waiting
}

// signal sends SIGSTOP or SIGCONT.
func (m *replicaProcess) signal(s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != nil {
		_ = m.process.Process.Signal(s)
	}
}

// close kills it for good.
func (m *replicaProcess) close() {
	m.kill()
	m.client.CloseIdleConnections()
	_ = m.socket.Close()
	_ = m.stderr.Close()
}

// send sends one request. An error means that there was no response.
func (m *replicaProcess) send(ctx context.Context, a request) (response, error) {
	m.calling.Add(1)
	defer m.calling.Add(-1)
	body, err := json.Marshal(a)
	if err != nil {
		return response{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://replica/", bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	answer, err := m.client.Do(r)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	var out response
	err = json.NewDecoder(answer.Body).Decode(&out)
	return out, err
}
