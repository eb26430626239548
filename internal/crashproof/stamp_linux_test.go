package crashproof_test

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// stamping has the kernel record when bytes arrive. On a busy machine this process may
// read them a fraction of a second later, which would look like a late request.
func stamping(_, _ string, c syscall.RawConn) (err error) {
	failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	if failed != nil {
		return failed
	}
	return err
}

// stamped is a connection that records when its first bytes have arrived.
type stamped struct {
	*net.TCPConn
	raw   syscall.RawConn
	first atomic.Int64 // by the wall clock, in ns
}

func newStamped(c net.Conn) (net.Conn, error) {
	tcp := c.(*net.TCPConn)
	raw, err := tcp.SyscallConn()
	return &stamped{TCPConn: tcp, raw: raw}, err
}

// Read reads, and the first time takes the kernel's time stamp.
func (s *stamped) Read(b []byte) (n int, err error) {
	if s.first.Load() != 0 || len(b) == 0 {
		return s.TCPConn.Read(b)
	}
	exchange := make([]byte, 64)
	var size int
	failed := s.raw.Read(func(fd uintptr) bool {
		n, size, _, _, err = syscall.Recvmsg(int(fd), b, exchange, 0)
		return err != syscall.EAGAIN && err != syscall.EINTR
	})
	switch {
	case failed != nil:
		return 0, failed
	case err != nil:
		return 0, &net.OpError{Op: "read", Net: "tcp", Err: err}
	case n == 0:
		return 0, io.EOF
	}
	s.first.Store(stampOf(exchange[:size]).UnixNano())
	return n, nil
}

// stampOf is the time in a control message, or now if there is none.
func stampOf(exchange []byte) time.Time {
	list, err := syscall.ParseSocketControlMessage(exchange)
	if err != nil {
		return time.Now()
	}
	for _, m := range list {
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(syscall.Timespec{})) {
			return time.Unix((*syscall.Timespec)(unsafe.Pointer(&m.Data[0])).Unix())
		}
	}
	return time.Now()
}

// arrivedAt is when the first bytes of a connection have arrived.
func arrivedAt(c net.Conn) time.Time { return time.Unix(0, c.(*stamped).first.Load()) }
