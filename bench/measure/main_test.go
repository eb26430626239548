package main

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
)

// The tests' program is its own child, as the program is.
func TestMain(m *testing.M) {
	if slices.Contains(os.Args, lab.ChildFlag) {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
