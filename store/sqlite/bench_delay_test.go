package sqlite_test

import (
	"testing"

	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// BenchmarkHandlerDelayAcrossProcesses uses two stores on one file.
func BenchmarkHandlerDelayAcrossProcesses(b *testing.B) {
	path := newPath(b)
	fsmtest.BenchmarkHandlerDelay(b, open(b, path), open(b, path))
}

func BenchmarkHandlerDelay(b *testing.B) {
	s := open(b, newPath(b))
	fsmtest.BenchmarkHandlerDelay(b, s, s)
}
