//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// What can go wrong with a server and its machine, besides StopImmediate.

// Freeze stops all processes of the server, and Thaw continues them.
func (c *Cluster) Freeze() error { return c.server().signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (c *Cluster) Thaw() error { return c.server().signal(syscall.SIGCONT) }

func (c *Cluster) server() *daemon { return &daemon{folder: c.data()} }

// mount gives the server's data a disk of their own.
func (c *Cluster) mount() error {
	if c.options.DiskSize == "" {
		return nil
	}
	if err := os.Mkdir(c.data(), 0o700); err != nil {
		return err
	}
	if output, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+c.options.DiskSize, "pgtest", c.data()).CombinedOutput(); err != nil { //nolint:noctx,gosec // it does not block
		return fmt.Errorf("pgtest: mount: %w: %s", err, output)
	}
	return c.programs.chown(c.data())
}

func (c *Cluster) unmount() error {
	if c.options.DiskSize == "" {
		return nil
	}
	return exec.Command("umount", "-l", c.data()).Run() //nolint:noctx,gosec // it does not block
}

// FillDisk fills the disk of a cluster with a DiskSize, until FreeDisk.
func (c *Cluster) FillDisk() error {
	file, err := os.Create(c.ballast())
	if err != nil {
		return err
	}
	for chunk := make([]byte, 4096); err == nil; {
		_, err = file.Write(chunk)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// FreeDisk ends FillDisk.
func (c *Cluster) FreeDisk() error { return os.Remove(c.ballast()) }

func (c *Cluster) ballast() string { return filepath.Join(c.data(), "ballast") }

// failingSync is preloaded into the server. While a file exists, fsync fails.
const failingSync = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int sync_with(const char *name, int fd) {
	if (access(getenv("PGTEST_FAIL_SYNC"), F_OK) == 0) { errno = EIO; return -1; }
	return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}
int fsync(int fd) { return sync_with("fsync", fd); }
int fdatasync(int fd) { return sync_with("fdatasync", fd); }
`

// preload makes the server use failingSync.
func (c *Cluster) preload() error {
	if !c.options.FailingSync {
		return nil
	}
	source, library := filepath.Join(c.folder, "sync.c"), filepath.Join(c.folder, "sync.so")
	if err := os.WriteFile(source, []byte(failingSync), 0o600); err != nil {
		return err
	}
	if output, err := exec.Command("gcc", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil { //nolint:noctx,gosec // it does not block
		return fmt.Errorf("pgtest: gcc: %w: %s", err, output)
	}
	c.programs.env = []string{"LD_PRELOAD=" + library, "PGTEST_FAIL_SYNC=" + c.syncFails()}
	return nil
}

func (c *Cluster) syncFails() string { return filepath.Join(c.folder, "sync-fails") }

// FailSync makes each fsync of a cluster with FailingSync return EIO, until MendSync.
func (c *Cluster) FailSync() error { return os.WriteFile(c.syncFails(), nil, 0o644) }

// MendSync ends FailSync.
func (c *Cluster) MendSync() error { return os.Remove(c.syncFails()) }

// Logged reports whether the server's log has a text.
func (c *Cluster) Logged(text string) bool {
	log, err := os.ReadFile(c.logFile())
	return err == nil && bytes.Contains(log, []byte(text))
}

// Revive waits until the server accepts connections. If it has ended, it is started.
func (c *Cluster) Revive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.DSN("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		running, errList := c.server().processes()
		if ctx.Err() != nil || errList != nil {
			return errors.Join(err, errList)
		}
		if len(running) == 0 {
			return c.Restart()
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}
