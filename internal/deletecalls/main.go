//go:build unix

// Command deletecalls is the mutation operator that gremlins lacks: it deletes one
// call after the other, and runs the package's tests each time. It deletes calls that
// are statements, calls whose results are assigned to _ only, and deferred calls. The
// tests are compiled once, with a switch around each call. The output has the lines of
// gremlins. Start it by .ci/mutation.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/build"
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
	whole   string
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
	flags.StringVar(&o.whole, "whole", "", "a further `folder` of tests, for what the tests of the package do not notice")
	flags.BoolVar(&o.dry, "dry-run", false, "list the deletions only")
	flags.IntVar(&o.workers, "workers", 2, "how many run at once")
	flags.DurationVar(&o.timeout, "timeout", 20*time.Second, "how long the tests may take before they count as hung")
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
	list, replace, err := switchedPackage(o)
	if err != nil || o.dry {
		for _, m := range list {
			_, _ = fmt.Fprintf(out, "%12s %s\n", "RUNNABLE", m)
		}
		return err
	}
	work, err := os.MkdirTemp("", "deletecalls")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	tests, err := compileAll(ctx, o, replace, work)
	if err != nil {
		return err
	}
	if status, err := result(ctx, tests, none); err != nil || status != "LIVED" {
		return fmt.Errorf("the tests with no call deleted: %w", cmp.Or(err, errors.New(status)))
	}
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.limit)
		defer cancel()
	}
	return tryAll(ctx, o.workers, tests, list, out)
}

// switchedPackage returns the mutants of the package in a folder, and its files with
// switches: path → text.
func switchedPackage(o options) (list []mutant, files map[string][]byte, err error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, nil, err
	}
	p, err := build.ImportDir(dir, 0)
	if err != nil {
		return nil, nil, err
	}
	files = map[string][]byte{filepath.Join(dir, "deletecalls_switch.go"): switchFile(p.Name)}
	for _, name := range p.GoFiles {
		if !o.files.MatchString(name) {
			continue
		}
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, err
		}
		found, switched, err := deletions(path, text, len(list))
		if err != nil {
			return nil, nil, err
		}
		list, files[path] = append(list, found...), switched
	}
	return list, files, nil
}

// writeOverlay writes the files with switches, and what makes go use them instead of
// those of the package, which are left alone.
func writeOverlay(files map[string][]byte, work string) (path string, err error) {
	replace := make(map[string]string)
	for path, text := range files {
		replace[path] = filepath.Join(work, filepath.Base(path))
		if err := os.WriteFile(replace[path], text, 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(work, "overlay.json")
	return path, os.WriteFile(path, overlay, 0o600)
}

// program is the tests of a folder, compiled.
type program struct {
	dir, path string
	timeout   time.Duration
}

// wholeTimeout is how many times as long the tests of the whole system may take.
const wholeTimeout = 5

// compileAll compiles the tests of the package and those of the whole system.
func compileAll(ctx context.Context, o options, files map[string][]byte, work string) (tests []program, err error) {
	overlay, err := writeOverlay(files, work)
	if err != nil {
		return nil, err
	}
	p, err := compile(ctx, o.dir, overlay, filepath.Join(work, "tests"))
	if err != nil {
		return nil, err
	}
	p.timeout = o.timeout
	tests = append(tests, p)
	if o.whole == "" {
		return tests, nil
	}
	if p, err = compile(ctx, o.whole, overlay, filepath.Join(work, "whole")); err != nil {
		return nil, err
	}
	p.timeout = wholeTimeout * o.timeout
	return append(tests, p), nil
}

// compile compiles the tests of a folder with the switched package, once for all mutants.
func compile(ctx context.Context, dir, overlay, path string) (program, error) {
	//nolint:gosec // the arguments are ours
	command := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", path, ".")
	command.Dir = dir
	if said, err := command.CombinedOutput(); err != nil {
		return program{}, fmt.Errorf("%w: %s", err, said)
	}
	return program{dir: dir, path: path}, nil
}

// tryAll tries the deletions and prints each result. It stops early, without an
// error, when ctx ends.
func tryAll(ctx context.Context, workers int, tests []program, list []mutant, out io.Writer) error {
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
		next int
	)
	for range max(workers, 1) {
		all.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				n := next
				next++
				mu.Unlock()
				if n >= len(list) {
					return
				}
				status, err := "NOT VIABLE", error(nil)
				if !list[n].unused {
					status, err = result(ctx, tests, fmt.Sprint(n))
				}
				mu.Lock()
				switch {
				case err != nil:
					errs = append(errs, fmt.Errorf("%s: %w", list[n], err))
				case ctx.Err() == nil:
					_, _ = fmt.Fprintf(out, "%12s %s\n", status, list[n])
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// none deletes no call.
const none = ""

// result runs the tests without a call, one folder after the other until one notices.
func result(ctx context.Context, tests []program, deleted string) (status string, err error) {
	for _, t := range tests {
		if status, err = t.result(ctx, deleted); err != nil || status != "LIVED" {
			break
		}
	}
	return status, err
}

// result runs the tests of a folder without a call, and returns their result in
// gremlins' words. It is settled as soon as one test has failed, also when another hangs.
func (p program) result(ctx context.Context, deleted string) (status string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	//nolint:gosec // the program was made by compile
	run := exec.CommandContext(ctx, p.path, "-test.v", "-test.short", "-test.failfast", "-test.timeout", (2 * p.timeout).String())
	run.Dir = p.dir
	run.Env = append(os.Environ(), switchName+"="+deleted)
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that kill ends what the tests started too
	kill := func() error { return syscall.Kill(-run.Process.Pid, syscall.SIGKILL) }
	run.Cancel = kill
	output, err := run.StdoutPipe()
	if err != nil {
		return "", err
	}
	run.Stderr = run.Stdout
	if err := run.Start(); err != nil {
		return "", err
	}
	failed := false
	for lines := bufio.NewReader(output); err == nil && !failed; {
		var line string
		line, err = lines.ReadString('\n')
		failed = strings.Contains(line, "--- FAIL: ")
	}
	if failed {
		_ = kill()
	}
	err = run.Wait()
	var exit *exec.ExitError
	switch {
	case failed:
		return "KILLED", nil
	case ctx.Err() != nil:
		return "TIMED OUT", nil
	case err == nil:
		return "LIVED", nil
	case errors.As(err, &exit): // it panicked outside of a test, for instance
		return "KILLED", nil
	default:
		return "", err
	}
}
