// Package shards measures several PostgreSQL primaries, each with the same small part of a
// core, so that one machine can say what several would do, and a primary with a
// synchronous standby that is some time away.
package shards

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Share is the part of a core that each primary gets: so small that eight of them and the
// drivers do not need two cores.
const Share = 0.08

// period is how often a primary gets its part. It is short against a commit's time.
const period = 20 * time.Millisecond

// Cap is a cgroup that caps the CPU of one primary.
type Cap struct{ folder string }

// controllers are the folders in which a cgroup with the CPU controller can be made.
func controllers() (list []string) {
	if text, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && strings.Contains(string(text), "cpu") {
		_ = os.WriteFile("/sys/fs/cgroup/cgroup.subtree_control", []byte("+cpu"), 0o644) // it may be on already
		list = append(list, "/sys/fs/cgroup")
	}
	for _, folder := range []string{"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"} {
		if _, err := os.Stat(filepath.Join(folder, quotaFile)); err == nil {
			list = append(list, folder)
		}
	}
	return list
}

// The files of cgroup v1 and v2.
const (
	quotaFile, periodFile = "cpu.cfs_quota_us", "cpu.cfs_period_us"
	maxFile               = "cpu.max"
)

// NewCap makes a cgroup of Share of a core. It needs root, or a folder of cgroups that
// this process may write.
func NewCap(name string) (*Cap, error) {
	err := errors.New("no cgroup has a CPU controller here")
	for _, parent := range controllers() {
		c := &Cap{folder: filepath.Join(parent, fmt.Sprintf("carrierfsm-bench-%d-%s", os.Getpid(), name))}
		if err = errors.Join(os.Mkdir(c.folder, 0o750), c.limit()); err == nil {
			return c, nil
		}
		_ = os.Remove(c.folder)
	}
	return nil, fmt.Errorf("capping a primary by a cgroup: %w", err)
}

// limit writes the part of a core, and that it comes before what other programs want.
func (c *Cap) limit() error {
	whole := period.Microseconds()
	quota := int64(Share * float64(whole))
	if _, err := os.Stat(filepath.Join(c.folder, maxFile)); err == nil {
		return errors.Join(c.write(maxFile, fmt.Sprintf("%d %d", quota, whole)), c.write("cpu.weight", "10000"))
	}
	return errors.Join(c.write("cpu.shares", "262144"), c.write(periodFile, strconv.FormatInt(whole, 10)), c.write(quotaFile, strconv.FormatInt(quota, 10)))
}

func (c *Cap) write(file, value string) error {
	return os.WriteFile(filepath.Join(c.folder, file), []byte(value), 0o644)
}

// Add puts processes into the cgroup. Those that they start are in it too.
func (c *Cap) Add(pids ...int) error {
	var errs []error
	for _, pid := range pids {
		if err := c.write("cgroup.procs", strconv.Itoa(pid)); !errors.Is(err, syscall.ESRCH) { // it has ended
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Periods returns in how many periods the cgroup had work, and in how many of them it used
// up its part.
func (c *Cap) Periods() (all, used int64) {
	text, _ := os.ReadFile(filepath.Join(c.folder, "cpu.stat"))
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.ParseInt(value, 10, 64) // other lines are not used
		switch name {
		case "nr_periods":
			all = n
		case "nr_throttled":
			used = n
		}
	}
	return all, used
}

// Close removes the cgroup, whose processes have ended: the kernel may need a moment.
func (c *Cap) Close() (err error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		if err = os.Remove(c.folder); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		<-tick.C
	}
	return err
}
