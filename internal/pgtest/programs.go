package pgtest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrMissing is returned where PostgreSQL's server programs are not installed.
var ErrMissing = errors.New("pgtest: PostgreSQL's server programs are missing; on Debian: apt-get install postgresql")

// runner runs PostgreSQL's programs as a user who may.
type runner struct {
	folder string              // of the programs
	as     *syscall.Credential // nil: as ourselves
}

// findPrograms looks in the PATH, then where Debian has them, newest first.
func findPrograms() (runner, error) {
	folder, err := programFolder()
	if err != nil || os.Geteuid() != 0 {
		return runner{folder: folder}, err
	}
	// The server refuses to run as root.
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return runner{}, fmt.Errorf("%w (as root, the user postgres is needed: %w)", ErrMissing, err)
	}
	uid, err1 := strconv.ParseUint(postgres.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(postgres.Gid, 10, 32)
	return runner{folder: folder, as: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, errors.Join(err1, err2)
}

func programFolder() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(initdb), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // not a number: the oldest
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	return filepath.Dir(newest), nil
}

// own gives the folder to the user of the programs.
func (r runner) own(folder string) error {
	if r.as == nil {
		return nil
	}
	return os.Chown(folder, int(r.as.Uid), int(r.as.Gid))
}

// command is a program in a process group of its own, so that an interrupt
// from the keyboard is ours alone.
func (r runner) command(folder, path string, args ...string) *exec.Cmd {
	c := exec.Command(path, args...) //nolint:noctx,gosec // bounded by itself; of PostgreSQL
	c.Dir = folder
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: r.as}
	return c
}

// do runs a program to its end; what it said is in the error. What it says
// goes to a file: a pipe would stay open in the server that it leaves behind.
func (r runner) do(folder, program string, args ...string) error {
	said, err := os.CreateTemp(folder, program)
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(said.Close(), os.Remove(said.Name())) }()
	c := r.command(folder, filepath.Join(r.folder, program), args...)
	c.Stdout, c.Stderr = said, said
	if err := c.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("pgtest: %s: %w: %s", program, err, bytes.TrimSpace(text))
	}
	return nil
}

// watcher outlives the test process and clears up behind it.
type watcher struct {
	process *exec.Cmd
	alive   *os.File
}

// cleaning waits until its standard input ends, which it does at the latest
// with the process that holds the other end.
const cleaning = `read -r _; "$1" -D "$2" -m immediate -w stop; rm -rf "$3"`

func (r runner) watch(folder, data string) (*watcher, error) {
	in, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	c := r.command("/", "/bin/sh", "-c", cleaning, "pgtest", filepath.Join(r.folder, "pg_ctl"), data, folder)
	c.Stdin = in
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	return &watcher{process: c, alive: alive}, nil
}

// end has the watcher clear up and end; what is gone already it leaves alone.
func (w *watcher) end() error {
	if w == nil {
		return nil
	}
	err := w.alive.Close()
	_ = w.process.Wait() // its status is that of rm, which our own RemoveAll makes good
	return err
}
