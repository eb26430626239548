package shards

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
)

// Proxy forwards connections to a server's socket, and delays what it forwards as a long
// line does: by half a round trip in each direction, without limiting how much.
type Proxy struct {
	folder    string
	target    string
	listener  net.Listener
	roundTrip atomic.Int64

	all   sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
}

// NewProxy starts a proxy to the socket at target.
func NewProxy(target string) (*Proxy, error) {
	folder, err := os.MkdirTemp("/tmp", "carrierfsm-proxy") // the path of a socket is limited
	if err != nil {
		return nil, err
	}
	p := &Proxy{folder: folder, target: target}
	path := filepath.Join(folder, pgtest.SocketName)
	if p.listener, err = net.Listen("unix", path); err != nil { //nolint:noctx // it does not block
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	p.all.Go(p.accept)
	if err := errors.Join(os.Chmod(folder, 0o755), os.Chmod(path, 0o777)); err != nil { //nolint:gosec // the server is another user
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Folder returns the folder of the proxy's socket.
func (p *Proxy) Folder() string { return p.folder }

// SetRoundTrip sets the round trip, also of connections that exist.
func (p *Proxy) SetRoundTrip(d time.Duration) { p.roundTrip.Store(int64(d)) }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.target) //nolint:noctx // it does not block
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.all.Go(func() { p.forward(client, server) })
		p.all.Go(func() { p.forward(server, client) })
	}
}

// chunk holds bytes from one side, and the time at which they go to the other side.
type chunk struct {
	at   time.Time
	data []byte
}

// pauseUntil waits. The timers of Go would wait for up to a millisecond too long.
func pauseUntil(at time.Time) {
	for wait := time.Until(at); wait > 0; wait = time.Until(at) {
		t := syscall.NsecToTimespec(wait.Nanoseconds())
		_ = syscall.Nanosleep(&t, nil) // a signal may end it
	}
}

// forward copies from one connection to the other until one of them ends.
func (p *Proxy) forward(from, to net.Conn) {
	onTheWay := make(chan chunk, 4096)
	p.all.Go(func() {
		for c := range onTheWay {
			pauseUntil(c.at)
			if _, err := to.Write(c.data); err != nil {
				_ = from.Close() // ends the reader
			}
		}
		_ = to.Close()
	})
	defer close(onTheWay)
	for {
		data := make([]byte, 32<<10)
		n, err := from.Read(data)
		if n > 0 {
			onTheWay <- chunk{time.Now().Add(time.Duration(p.roundTrip.Load() / 2)), data[:n]}
		}
		if err != nil {
			return
		}
	}
}

// Close ends all connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.all.Wait()
	return errors.Join(err, os.RemoveAll(p.folder))
}
