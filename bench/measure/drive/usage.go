package drive

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process has used since its start.
type usage struct {
	at             time.Time
	cpu            time.Duration // user and system
	server         time.Duration // CPU time of the database servers
	mallocs, bytes uint64
}

// usageNow returns the present usage. servers are the process ids of postmasters.
func usageNow(servers []int) usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{at: time.Now(), cpu: ownCPU(), server: treeCPU(servers), mallocs: m.Mallocs, bytes: m.TotalAlloc}
}

func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// tick is the unit of times in /proc, which is fixed on Linux.
const tick = 10 * time.Millisecond

// treeCPU returns the CPU time of processes and their children, including those that
// have ended.
func treeCPU(pids []int) (sum time.Duration) {
	for _, pid := range Tree(pids...) {
		if s, err := statOf(pid); err == nil {
			sum += s.own + s.reaped
		}
	}
	return sum
}

// Tree returns the ids of processes and of their children.
func Tree(pids ...int) []int {
	list := slices.Clone(pids)
	if len(pids) == 0 {
		return nil
	}
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		child, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if s, err := statOf(child); err == nil && slices.Contains(pids, s.parent) {
			list = append(list, child)
		}
	}
	return list
}

// stat is a process in /proc.
type stat struct {
	parent      int
	own, reaped time.Duration
}

func statOf(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// parseStat parses a line of /proc/PID/stat. The process name in it may contain any
// character.
func parseStat(line string) (stat, error) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("not a line of /proc/PID/stat: %q", line)
	}
	numbers := make([]int, 0, 5)
	for _, i := range []int{1, 11, 12, 13, 14} { // ppid, utime, stime, cutime, cstime
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return stat{}, err
		}
		numbers = append(numbers, n)
	}
	ticks := func(n int) time.Duration { return time.Duration(n) * tick }
	return stat{numbers[0], ticks(numbers[1] + numbers[2]), ticks(numbers[3] + numbers[4])}, nil
}

// RSS returns the present and the peak memory of this process, in bytes.
func RSS() (now, peak int64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64) // other lines have no such value
		switch name {
		case "VmRSS":
			now = kb << 10
		case "VmHWM":
			peak = kb << 10
		}
	}
	return now, peak
}
