// Command measure measures carrierfsm, a baseline and its competitors in one run,
// and writes docs/benchmarks.md and docs/benchmarks-raw.md. Start it by
// `go run ./bench` in the top folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/carrierfsm/carrierfsm/bench/measure/concurrency"
	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
	"github.com/carrierfsm/carrierfsm/bench/measure/tail"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program. It returns the exit code: 2 for bad flags, 1 for other errors,
// and 0 otherwise.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case o.child:
		err = child(ctx, in, out)
	case o.name == scaleName:
		err = measureScale(ctx, o, out, errs)
	default:
		err = runAll(ctx, o, out, errs)
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bench:", err)
		return 1
	}
	return 0
}

func child(ctx context.Context, in io.Reader, out io.Writer) error {
	kinds, _, err := kinds(ctx)
	if err != nil {
		return err
	}
	return runner.Child(ctx, map[string]runner.Task{
		runner.Drive:       runner.DriveTask(kinds),
		concurrency.Wait:   concurrency.MeasureWaiting,
		concurrency.Slow:   concurrency.MeasureSlow,
		concurrency.Serve:  concurrency.RunServer,
		deliveries.Deliver: deliveries.Measure,
		deliveries.Delay:   deliveries.MeasureDelay,
		tail.Name:          tail.Measure,
		scale.Growth:       scale.MeasureGrowth,
	}, in, out)
}
