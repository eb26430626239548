package browsertest_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
)

// recorder is a testing.TB that records failures and skips.
type recorder struct {
	testing.TB
	cleanups        []func()
	failed, skipped string
}

// record runs a test with a recorder, and its cleanups.
func record(t *testing.T, test func(testing.TB)) *recorder {
	w := &recorder{TB: t}
	w.run(func() { test(w) })
	for _, cleanup := range slices.Backward(w.cleanups) {
		w.run(cleanup)
	}
	return w
}

// failuresOf returns the failures of a test; empty if it passes.
func failuresOf(t *testing.T, test func(testing.TB)) string { return record(t, test).failed }

// run calls f on a goroutine that Fatal and Skip may end.
func (w *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (w *recorder) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *recorder) Error(args ...any) { w.failed += fmt.Sprintln(args...) }

func (w *recorder) Errorf(format string, args ...any) { w.failed += fmt.Sprintf(format+"\n", args...) }

func (w *recorder) Fatal(args ...any) {
	w.Error(args...)
	runtime.Goexit()
}

func (w *recorder) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *recorder) Skip(args ...any) {
	w.skipped += fmt.Sprintln(args...)
	runtime.Goexit()
}
