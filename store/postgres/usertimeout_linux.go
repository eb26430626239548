package postgres

import (
	"net"
	"syscall"
	"time"
)

// userTimeout is how long sent data may stay unacknowledged by the server's kernel.
const userTimeout = 30 * time.Second

const tcpUserTimeout = 18 // TCP_USER_TIMEOUT, which package syscall does not name

// setUserTimeout makes the kernel give up a connection to a vanished server. The
// default is a quarter of an hour.
func setUserTimeout(conn *net.TCPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(userTimeout.Milliseconds()))
	})
}
