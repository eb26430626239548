// Package slots has what stands before the slots of a shard's database while the shard is
// moved. Package sharded says what it means.
package slots

import "strings"

const (
	// Moved is of a database that was closed.
	Moved = "moved "
	// Drained is of a database that takes no new submissions.
	Drained = "draining "
)

// Drains returns whether the slots are those of a database that takes no new submissions.
func Drains(slots string) bool { return strings.HasPrefix(slots, Drained) }

// Drain returns the slots of a database that is to take no new submissions, or to take
// them again. A database that was closed has none: ok is false.
func Drain(slots string, drain bool) (after string, ok bool) {
	if strings.HasPrefix(slots, Moved) {
		return "", false
	}
	after = strings.TrimPrefix(slots, Drained)
	if drain {
		after = Drained + after
	}
	return after, true
}
