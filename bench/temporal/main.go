// Command temporal measures Temporal with its in-process server. The program in
// bench/measure starts it as a child process for those cells. It is a separate
// module because the server takes minutes to build.
//
// Each verification is a workflow, and each submission an update. The update's handler
// calls upstream in an activity, and the caller waits until the update is complete.
// Updates are Temporal's request-response mechanism. The alternative, which the other
// frameworks use, is a signal for each submission, and a signal in memory
// (step.Signals) to the caller when the workflow continues with the activity's result.
// On two cores, the two performed about the same, in verifications/s:
//
//	                           one driver   32 drivers
//	updates, tuned             43–48        71–87
//	signals, tuned             46           81
//	updates, all defaults      2.9          53–60
//	signals, all defaults      2.2          49–56
//
// The program measures updates, tuned and with all defaults. By default the server
// polls for tasks of a shard at most 20 times per second, so each task of a
// verification waits 50 ms: temporaltest has one shard, where a cluster has hundreds.
// With only that limit raised, one driver reached 10 to 12, because two pollers are
// too few for the four partitions of a queue: some tasks wait 100 ms. The SDK's
// autoscaling pollers reached 39 and 79. A single partition, higher limits for queries
// per second, and more pollers than the tuned number made no difference.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/runner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run reads a job from in, runs it and returns the exit code.
func run(ctx context.Context, in io.Reader, out, errs io.Writer) int {
	kinds := temporal.Kinds(opener)
	if err := runner.Child(ctx, map[string]runner.Task{runner.Drive: runner.DriveTask(kinds)}, in, out); err != nil {
		_, _ = fmt.Fprintln(errs, "temporal:", err)
		return 1
	}
	return 0
}
