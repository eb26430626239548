package browsertest_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
)

// watcher is a test that may fail: it notes what a kit says to it.
type watcher struct {
	testing.TB
	cleanups        []func()
	failed, skipped string
}

// watch runs a test in a watcher, with its cleanups.
func watch(t *testing.T, test func(testing.TB)) *watcher {
	w := &watcher{TB: t}
	w.run(func() { test(w) })
	for _, cleanup := range slices.Backward(w.cleanups) {
		w.run(cleanup)
	}
	return w
}

// watched is what a test fails with; empty where it passes.
func watched(t *testing.T, test func(testing.TB)) string { return watch(t, test).failed }

// run lets f end its goroutine, as Fatal does.
func (w *watcher) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (w *watcher) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *watcher) Error(args ...any) { w.failed += fmt.Sprintln(args...) }

func (w *watcher) Errorf(format string, args ...any) { w.failed += fmt.Sprintf(format+"\n", args...) }

func (w *watcher) Fatal(args ...any) {
	w.Error(args...)
	runtime.Goexit()
}

func (w *watcher) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

func (w *watcher) Skip(args ...any) {
	w.skipped += fmt.Sprintln(args...)
	runtime.Goexit()
}
