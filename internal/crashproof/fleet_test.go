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

// member is one replica, life after life. Its socket outlives it, as a load
// balancer's queue would: who calls between two lives waits for the next.
type member struct {
	name    string
	program string
	config  string
	socket  *os.File // the listener
	path    string
	stderr  *os.File
	client  *http.Client
	calling atomic.Int64 // people who wait for an answer

	mu      sync.Mutex
	process *exec.Cmd
	alive   io.Closer // its standard input
}

func newMember(folder string, n int, program string, s settings) (*member, error) {
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
	config, err := json.Marshal(s)
	if err != nil {
		return nil, errors.Join(err, socket.Close(), stderr.Close())
	}
	m := &member{name: name, program: program, config: string(config), socket: socket, path: path, stderr: stderr}
	m.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	return m, nil
}

// start begins a life.
func (m *member) start() error {
	c := exec.Command(m.program)
	c.Env = append(os.Environ(), replicaEnv+"="+m.config)
	c.ExtraFiles = []*os.File{m.socket}
	c.Stderr = m.stderr
	// In a group of its own, so that the system ends it with us even while it stands still.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := c.StdinPipe()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := c.Start(); err != nil {
		return errors.Join(err, alive.Close())
	}
	m.process, m.alive = c, alive
	return nil
}

// kill is kill -9. It tells how many people were waiting for an answer.
func (m *member) kill() (waiting int) {
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
func (m *member) signal(s syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.process != nil {
		_ = m.process.Process.Signal(s)
	}
}

// close ends it for good.
func (m *member) close() {
	m.kill()
	m.client.CloseIdleConnections()
	_ = m.socket.Close()
	_ = m.stderr.Close()
}

// send sends one ask. An error means that no answer came.
func (m *member) send(ctx context.Context, a ask) (told, error) {
	m.calling.Add(1)
	defer m.calling.Add(-1)
	body, err := json.Marshal(a)
	if err != nil {
		return told{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://replica/", bytes.NewReader(body))
	if err != nil {
		return told{}, err
	}
	answer, err := m.client.Do(r)
	if err != nil {
		return told{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	var out told
	err = json.NewDecoder(answer.Body).Decode(&out)
	return out, err
}
