// Command carrierfsm is the operators' command: it looks at the verifications of a
// store, acts on them under an operator's name, and migrates the store's tables.
//
//	carrierfsm list -store sqlite:verifications.db -by ann -state live
//	carrierfsm cancel -store "$DSN" -by ann -reason "asked for by telephone" 0198c0de-…
//
// "carrierfsm help" lists the subcommands, and "carrierfsm help list" the flags of
// one. It never sends anything to upstream. docs/command.md is the guide.
//
// The exit codes are those of the constants below.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit codes.
const (
	exitOK       = 0 // it is done, or there was nothing to do
	exitFailed   = 1 // the store failed, or something can't be read
	exitUsage    = 2 // wrong arguments, a wrong store or key file, no operator's name
	exitNotFound = 3 // no such verification or handler
	exitRefused  = 4 // the verification's state does not allow it, or another writer was faster
	exitFound    = 5 // verify found faults, or migrate status missing migrations
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// streams are the standard ones.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run runs one subcommand and returns the exit code.
func run(ctx context.Context, args []string, std streams) int {
	err := dispatch(ctx, args, std)
	if err != nil && err.Error() != "" {
		_, _ = fmt.Fprintf(std.err, "carrierfsm: %s\n", textOf(err))
	}
	return exitCode(err)
}
