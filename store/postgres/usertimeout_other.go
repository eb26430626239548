//go:build !linux

package postgres

import "net"

// setUserTimeout does nothing: the system has no such option, or another one.
func setUserTimeout(*net.TCPConn) {}
