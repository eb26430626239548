// Package machine describes the machine and the versions of a measurement.
package machine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Facts are the facts that a reader needs to compare results.
type Facts struct {
	CPU    string
	Cores  int
	Memory string
	Kernel string
	// Fsync is the median time of one after a small write.
	Fsync time.Duration
	// Load is the load average of the minute before the measurement.
	Load string
	// Go and Postgres are versions, and Versions those of modules.
	Go, Postgres string
	Versions     map[string]string
	// Commit is this repository's, with a note if files have changed.
	Commit string
}

// Inspect returns the facts of this machine. folder is on the disk that is measured.
func Inspect(ctx context.Context, folder string) (Facts, error) {
	f := Facts{
		Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: firstWord("/proc/sys/kernel/osrelease"), Load: firstWord("/proc/loadavg"), Go: runtime.Version(), Versions: make(map[string]string),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			f.Versions[d.Path] = d.Version
		}
	}
	var err error
	if f.Fsync, err = fsync(folder); err != nil {
		return f, err
	}
	f.Commit, err = commit(ctx)
	return f, err
}

// field returns the value of a name in a file of /proc; empty if it is missing.
func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// firstWord returns the first word of a file; empty if it is missing.
func firstWord(path string) string {
	text, _ := os.ReadFile(path)
	if words := strings.Fields(string(text)); len(words) > 0 {
		return words[0]
	}
	return ""
}

// fsync measures the time of an fsync.
func fsync(folder string) (_ time.Duration, err error) {
	f, err := os.Create(filepath.Join(folder, "fsync"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	took := make([]time.Duration, 101)
	for i := range took {
		begun := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func commit(ctx context.Context) (string, error) {
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "", fmt.Errorf("reading the commit: %w", err)
	}
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ":/*.go", ":/*.sql").Output()
	name := strings.TrimSpace(string(head))
	if len(changed) > 0 {
		name += " with changes"
	}
	return name, err
}
