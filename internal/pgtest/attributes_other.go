//go:build !unix

package pgtest

import "syscall"

// attributes are none: a process of this system has no group and no other user.
func attributes(*account) *syscall.SysProcAttr { return nil }
