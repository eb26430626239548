// Package race reports whether the race detector is on, for tests whose figures or
// durations depend on it.
package race
