//go:build !unix

package pgtest

import "syscall"

// attributes are none: a process of this system has no group and no other user.
func attributes(*account) *syscall.SysProcAttr { return nil }

func (*Cluster) mount() error   { return nil }
func (*Cluster) unmount() error { return nil }
func (*Cluster) preload() error { return nil }
