// Package machine tells on what was measured, and of what.
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

// Facts are what a reader has to know to compare.
type Facts struct {
	// CPU and Cores, Memory in bytes and Kernel are the machine's.
	CPU    string
	Cores  int
	Memory string
	Kernel string
	// Fsync is how long one takes of a small write, median.
	Fsync time.Duration
	// Load is the load average of the last minute when it began.
	Load string
	// Go, Postgres and Versions name what was built: module → version.
	Go, Postgres string
	Versions     map[string]string
	// Commit is that of this repository; with + where files differ from it.
	Commit string
}

// Look looks at the machine. folder is where files are measured; commit stands
// still while it looks.
func Look(ctx context.Context, folder string) (Facts, error) {
	f := Facts{
		Cores: runtime.NumCPU(), CPU: field("/proc/cpuinfo", "model name"), Memory: field("/proc/meminfo", "MemTotal"),
		Kernel: first("/proc/sys/kernel/osrelease"), Load: first("/proc/loadavg"), Go: runtime.Version(), Versions: make(map[string]string),
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

// field is the value of the first line of this name in a file of /proc; empty
// where there is none.
func field(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// first is the first word of a file; empty where there is none.
func first(path string) string {
	text, _ := os.ReadFile(path)
	if words := strings.Fields(string(text)); len(words) > 0 {
		return words[0]
	}
	return ""
}

// fsync measures one.
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
		return "", fmt.Errorf("which commit is measured: %w", err)
	}
	changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ":/*.go", ":/*.sql").Output()
	name := strings.TrimSpace(string(head))
	if len(changed) > 0 {
		name += " with changes"
	}
	return name, err
}
