package crashproof_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// pausableListener listens on a port of loopback, and can stop and resume.
type pausableListener struct {
	addr net.Addr

	mu      sync.Mutex
	l       net.Listener
	closed  bool
	resumed chan struct{} // closed while it listens
}

func newPausableListener() (*pausableListener, error) {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	resumed := make(chan struct{})
	close(resumed)
	return &pausableListener{addr: l.Addr(), l: l, resumed: resumed}, nil
}

func listen(address string) (net.Listener, error) {
	return (&net.ListenConfig{Control: stamping}).Listen(context.Background(), "tcp", address)
}

// Addr is its address, also while it does not listen.
func (a *pausableListener) Addr() net.Addr { return a.addr }

// Accept waits while it does not listen.
func (a *pausableListener) Accept() (net.Conn, error) {
	for {
		a.mu.Lock()
		l, resumed, closed := a.l, a.resumed, a.closed
		a.mu.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		conn, err := l.Accept()
		if err == nil {
			return newStamped(conn)
		}
		if !errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		<-resumed
	}
}

// stop stops listening. Connections that were not accepted are reset.
func (a *pausableListener) stop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.resumed = make(chan struct{})
	_ = a.l.Close()
}

// resume listens again. A replica that is being started inherits the old listener
// until it runs its program, so the port may be free only a little later.
func (a *pausableListener) resume(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := listen(a.addr.String())
	for range 1000 {
		if !errors.Is(err, syscall.EADDRINUSE) || ctx.Err() != nil {
			break
		}
		rest(ctx, 5*time.Millisecond)
		l, err = listen(a.addr.String())
	}
	if err != nil {
		return err
	}
	a.l = l
	close(a.resumed)
	return nil
}

// Close stops listening for good.
func (a *pausableListener) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	err := a.l.Close()
	select {
	case <-a.resumed:
	default:
		close(a.resumed)
	}
	return err
}
