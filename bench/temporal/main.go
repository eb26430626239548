// Command temporal measures Temporal, by its in-process server, for the program
// in bench/measure: it is that program's child for those cells. It is a module
// of its own, as the server takes minutes to build.
//
// A workflow waits for an update a submission, whose handler calls upstream in
// an activity, and the caller waits until the update is complete. That is
// Temporal's own way to ask and be answered. The other way is that of the other
// peers: a signal a submission, and a word through memory (relay.Words) when the
// workflow goes on with the activity's result. On two cores it came to the
// same, in verifications/s:
//
//	                           one driver   32 drivers
//	updates, tuned             43–48        71–87
//	signals, tuned             46           81
//	updates, all by default    2.9          53–60
//	signals, all by default    2.2          49–56
//
// It is measured by updates, tuned and not. By default the server looks for the
// tasks of a shard at most twenty times a second, so that each of a
// verification's tasks waits 50 ms: temporaltest has one shard, where a cluster
// has hundreds. With that alone lifted one driver
// made 10 to 12, as two pollers are too few for the four partitions of a queue:
// one task in some waits 100 ms. Pollers that scale themselves, which the SDK
// has too, made 39 and 79. One partition only, higher limits of the queries a
// second, and more pollers than where it is tuned made no difference.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run does the job that in says; it returns the exit code.
func run(ctx context.Context, in io.Reader, out, errs io.Writer) int {
	kinds := temporal.Kinds(opener)
	if err := lab.Child(ctx, map[string]lab.Task{lab.Drive: lab.Driving(kinds)}, in, out); err != nil {
		_, _ = fmt.Fprintln(errs, "temporal:", err)
		return 1
	}
	return 0
}
