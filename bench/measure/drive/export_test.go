package drive

import "time"

// ParseStat parses a line of /proc/PID/stat.
func ParseStat(line string) (parent int, own, reaped time.Duration, err error) {
	s, err := parseStat(line)
	return s.parent, s.own, s.reaped, err
}
