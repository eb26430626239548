package crashproof_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// awayListener listens on one port of loopback, and now and then does not.
type awayListener struct {
	addr net.Addr

	mu     sync.Mutex
	l      net.Listener
	closed bool
	back   chan struct{} // closed when it listens again
}

func newAwayListener() (*awayListener, error) {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	back := make(chan struct{})
	close(back)
	return &awayListener{addr: l.Addr(), l: l, back: back}, nil
}

func listen(address string) (net.Listener, error) {
	return (&net.ListenConfig{Control: stamping}).Listen(context.Background(), "tcp", address)
}

// Addr is where it listens, when it does.
func (a *awayListener) Addr() net.Addr { return a.addr }

// Accept waits over the times in which nobody listens.
func (a *awayListener) Accept() (net.Conn, error) {
	for {
		a.mu.Lock()
		l, back, closed := a.l, a.back, a.closed
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
		<-back
	}
}

// leave stops listening; what was on its way is reset.
func (a *awayListener) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.back = make(chan struct{})
	_ = a.l.Close()
}

// comeBack listens again. A replica that is being started has the old listener
// open until it runs its own program, so the port may be free a little later.
func (a *awayListener) comeBack(ctx context.Context) error {
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
	close(a.back)
	return nil
}

// Close ends it.
func (a *awayListener) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	err := a.l.Close()
	select {
	case <-a.back:
	default:
		close(a.back)
	}
	return err
}
