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
)

// ErrMissing is returned if PostgreSQL's server programs are not installed.
var ErrMissing = errors.New("pgtest: PostgreSQL's server programs are missing; on Debian: apt-get install postgresql")

// runner runs PostgreSQL's programs, as a user that is allowed to.
type runner struct {
	folder string // of the programs
	as     *account
	env    []string // in addition to that of this process
}

// account is a user to run programs as. Nil: the user of this process.
type account struct{ uid, gid uint32 }

// findPrograms searches the PATH, then Debian's folder for the newest version.
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
	return runner{folder: folder, as: &account{uid: uint32(uid), gid: uint32(gid)}}, errors.Join(err1, err2)
}

func programFolder() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		initdb, err = filepath.EvalSymlinks(initdb) // the other programs are where it is
		return filepath.Dir(initdb), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrMissing
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0, the oldest, if it is not a number
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
	return filepath.Dir(newest), nil
}

// chown makes the user of the programs the folder's owner.
func (r runner) chown(folder string) error {
	if r.as == nil {
		return nil
	}
	return os.Chown(folder, int(r.as.uid), int(r.as.gid))
}

// command returns a program in its own process group, so that an interrupt from the
// keyboard does not reach it.
func (r runner) command(folder, path string, args ...string) *exec.Cmd {
	c := exec.Command(path, args...) //nolint:noctx,gosec // PostgreSQL's programs bound their own time
	c.Dir = folder
	if len(r.env) > 0 {
		c.Env = append(os.Environ(), r.env...)
	}
	c.SysProcAttr = attributes(r.as)
	return c
}

// run runs a program to its end. The error contains its output, which goes to a file:
// the server that pg_ctl starts would keep a pipe open.
func (r runner) run(folder, program string, args ...string) error {
	output, err := os.CreateTemp(folder, program)
	if err != nil {
		return err
	}
	defer func() { _ = errors.Join(output.Close(), os.Remove(output.Name())) }()
	c := r.command(folder, filepath.Join(r.folder, program), args...)
	c.Stdout, c.Stderr = output, output
	if err := c.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("pgtest: %s: %w: %s", program, err, bytes.TrimSpace(text))
	}
	return nil
}

// watcher is a process that removes the cluster after the test process has ended.
type watcher struct {
	process *exec.Cmd
	alive   *os.File
}

// cleanupScript waits for the end of its standard input, which comes with the end of
// the test process at the latest.
const cleanupScript = `read -r _; "$1" -D "$2" -m immediate -w stop; rm -rf "$3"`

func (r runner) watch(folder, data string) (*watcher, error) {
	return r.watching(cleanupScript, filepath.Join(r.folder, "pg_ctl"), data, folder)
}

// watching starts a watcher that runs a script with these arguments.
func (r runner) watching(script string, args ...string) (*watcher, error) {
	in, alive, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	c := r.command("/", "/bin/sh", append([]string{"-c", script, "pgtest"}, args...)...)
	c.Stdin = in
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, alive.Close())
	}
	return &watcher{process: c, alive: alive}, nil
}

// close makes the watcher clean up and waits for its end. A nil watcher is ignored.
func (w *watcher) close() error {
	if w == nil {
		return nil
	}
	err := w.alive.Close()
	_ = w.process.Wait() // the caller's RemoveAll removes what rm could not
	return err
}
