// Command measure measures carrierfsm beside hand-written SQL and beside its
// competitors, all in one run, and writes docs/benchmarks.md and
// docs/benchmarks-raw.md. Start it by `go run ./bench` in the top folder.
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

	"github.com/carrierfsm/carrierfsm/bench/measure/crowd"
	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/scale"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code: 2 for bad flags, 1 for what
// broke, 0 else.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	o, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case o.child:
		err = child(ctx, in, out)
	default:
		err = everything(ctx, o, out, errs)
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
	return lab.Child(ctx, map[string]lab.Task{
		lab.Drive:    lab.Driving(kinds),
		crowd.Wait:   crowd.Waiting,
		crowd.Slow:   crowd.Flying,
		crowd.Serve:  crowd.Serving,
		scale.Growth: scale.Growing,
	}, in, out)
}
