package main

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
)

// The test binary is started as a child process, as the program is.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, runner.ChildFlag) {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
