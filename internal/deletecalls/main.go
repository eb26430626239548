// Command deletecalls is the mutation operator that gremlins lacks: it deletes one
// call after the other, and runs the package's tests each time. It deletes calls that
// are statements, calls whose results are assigned to _ only, and deferred calls. Its
// output has the lines of gremlins. Start it by .ci/mutation.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "deletecalls:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	dir     string
	files   *regexp.Regexp
	dry     bool
	workers int
	timeout time.Duration
	limit   time.Duration
}

// run lists or tries the deletions in the package in a folder.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o := options{}
	flags := flag.NewFlagSet("deletecalls", flag.ContinueOnError)
	files := flags.String("files", ".", "only the files whose names match this regular `expression`")
	flags.BoolVar(&o.dry, "dry-run", false, "list the deletions only")
	flags.IntVar(&o.workers, "workers", 2, "how many run at once")
	flags.DurationVar(&o.timeout, "timeout", 40*time.Second, "how long the tests may take before they count as hung")
	flags.DurationVar(&o.limit, "limit", 0, "how long to go on; 0 for no limit")
	if err = flags.Parse(args); err != nil {
		return err
	}
	if o.files, err = regexp.Compile(*files); err != nil {
		return err
	}
	o.dir = "."
	if flags.NArg() > 0 {
		o.dir = flags.Arg(0)
	}
	list, err := mutantsIn(o.dir, o.files)
	if err != nil || o.dry {
		for _, m := range list {
			_, _ = fmt.Fprintf(out, "%12s %s\n", "RUNNABLE", m)
		}
		return err
	}
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.limit)
		defer cancel()
	}
	return tryAll(ctx, o, list, out)
}

// mutantsIn returns the deletions in the production files of a folder.
func mutantsIn(dir string, files *regexp.Regexp) (list []mutant, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasSuffix(name, "_test.go") || !files.MatchString(name) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		found, err := deletions(path, text)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, err
}

// tryAll tries the deletions and prints each result. It stops early, without an
// error, when ctx ends.
func tryAll(ctx context.Context, o options, list []mutant, out io.Writer) error {
	work, err := os.MkdirTemp("", "deletecalls")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	queue := make(chan mutant)
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for i := range max(o.workers, 1) {
		all.Go(func() {
			for m := range queue {
				status, err := try(ctx, o, m, filepath.Join(work, fmt.Sprint(i)))
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
				} else if ctx.Err() == nil {
					_, _ = fmt.Fprintf(out, "%12s %s\n", status, m)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range list {
		select {
		case queue <- m:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	all.Wait()
	return errors.Join(errs...)
}

// try runs the tests with one call deleted. The changed file is in scratch; the
// package itself is left alone.
func try(ctx context.Context, o options, m mutant, scratch string) (status string, err error) {
	path, err := filepath.Abs(m.path)
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {path: scratch + ".go"}})
	if err != nil {
		return "", err
	}
	if err = errors.Join(os.WriteFile(scratch+".go", m.changed, 0o600), os.WriteFile(scratch+".json", overlay, 0o600)); err != nil {
		return "", err
	}
	return result(ctx, o, "-overlay", scratch+".json")
}

// result runs the tests with flags, and returns their result in gremlins' words. It is
// settled as soon as one test has failed, also when another hangs.
func result(ctx context.Context, o options, flags ...string) (status string, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	arguments := append([]string{"test", "-v", "-count=1", "-failfast", "-timeout", (2 * o.timeout).String()}, flags...)
	tests := exec.CommandContext(ctx, "go", append(arguments, ".")...) //nolint:gosec // the arguments are the caller's
	tests.Dir = o.dir
	tests.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that kill ends the tests too
	kill := func() error { return syscall.Kill(-tests.Process.Pid, syscall.SIGKILL) }
	tests.Cancel = kill
	output, err := tests.StdoutPipe()
	if err != nil {
		return "", err
	}
	tests.Stderr = tests.Stdout
	if err := tests.Start(); err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(output); lines.Scan() && status == ""; {
		switch {
		case strings.Contains(lines.Text(), "--- FAIL: "):
			status = "KILLED"
		case strings.Contains(lines.Text(), "build failed]"):
			status = "NOT VIABLE"
		}
	}
	if status != "" {
		_ = kill()
	}
	err = tests.Wait()
	var failed *exec.ExitError
	switch {
	case status != "":
		return status, nil
	case ctx.Err() != nil:
		return "TIMED OUT", nil
	case err == nil:
		return "LIVED", nil
	case errors.As(err, &failed): // it panicked outside of a test, for instance
		return "KILLED", nil
	default:
		return "", err
	}
}
