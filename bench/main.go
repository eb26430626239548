// Command bench measures carrierfsm, a baseline and its competitors, and writes
// docs/benchmarks.md and docs/benchmarks-raw.md, or measures several PostgreSQL primaries
// and writes docs/scale-raw.md. Run it in the top folder:
//
//	go run ./bench -quick
//	go run ./bench -full
//	go run ./bench -scale
//
// It only starts the program in bench/measure, which is a separate module, so that
// this module does not depend on the competitors.
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

// measure is the folder of the measuring module, relative to the top folder.
var measure = filepath.Join("bench", "measure")

func main() { os.Exit(run(os.Args[1:])) }

// run builds and runs the measuring program, and returns its exit code.
func run(args []string) int {
	if _, err := os.Stat(filepath.Join(measure, "go.mod")); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "bench: run it in the top folder of carrierfsm:", err)
		return 2
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // the child receives it too and ends; then this process does
	//nolint:gosec // the arguments are the caller's
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
