// Command bench measures carrierfsm beside hand-written SQL and beside its
// competitors, and writes docs/benchmarks.md and docs/benchmarks-raw.md. Run it
// in the top folder:
//
//	go run ./bench -quick
//	go run ./bench -full
//
// It only starts the program in bench/measure, which is a module of its own, so
// that the competitors' dependencies are not this module's.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
)

// measure is the folder of the module that measures, seen from the top.
var measure = filepath.Join("bench", "measure")

func main() { os.Exit(run(os.Args[1:])) }

// run builds and runs the program that measures, and returns its exit code.
func run(args []string) int {
	if _, err := os.Stat(filepath.Join(measure, "go.mod")); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench: run it in the top folder of carrierfsm:", err)
		return 2
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // it reaches the child too, which ends by it, and then so do we
	//nolint:gosec // the arguments are those of whoever runs this
	child := exec.CommandContext(context.Background(), "go", append([]string{"run", "-C", measure, "."}, args...)...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := child.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		_, _ = fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
}
