package crashproof_test

import (
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// stamping has the kernel note when bytes arrive. This process may be late to
// read them, on a busy machine by a fraction of a second, and the judge would
// take that for a request that was sent too late.
func stamping(_, _ string, c syscall.RawConn) (err error) {
	failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	if failed != nil {
		return failed
	}
	return err
}

// stamped is a connection that knows when its first bytes arrived.
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

// Read reads, and the first time looks at the kernel's note.
func (s *stamped) Read(b []byte) (n int, err error) {
	if s.first.Load() != 0 || len(b) == 0 {
		return s.TCPConn.Read(b)
	}
	note := make([]byte, 64)
	var size int
	failed := s.raw.Read(func(fd uintptr) bool {
		n, size, _, _, err = syscall.Recvmsg(int(fd), b, note, 0)
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
	s.first.Store(stampOf(note[:size]).UnixNano())
	return n, nil
}

// stampOf is the time in a control message, or now where there is none.
func stampOf(note []byte) time.Time {
	list, err := syscall.ParseSocketControlMessage(note)
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

// arrivedAt is when the first bytes of a connection came.
func arrivedAt(c net.Conn) time.Time { return time.Unix(0, c.(*stamped).first.Load()) }
