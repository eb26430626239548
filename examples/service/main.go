// Command service is a web service that embeds carrierfsm as a host would: a
// page for the person, in Chinese and English, and the JSON endpoints behind
// it. It is meant to be read and copied, one file at a time:
//
//	options.go, serve.go   the flags; what is started and stopped, in which order
//	store.go, upstream.go  which store, which upstream
//	keys.go, ticket.go     the keys; how a browser is known again
//	answers.go, submit.go  what the page sends, and how it becomes an input
//	screen.go, words*.go   what the page is told: prompts in words
//	status.go              errors as HTTP statuses
//	changes.go, watch.go   how the page hears of what happens elsewhere
//	guards.go, limits.go   what stands before every endpoint
//	operators.go           the operators' console, at an address of its own
//	simulator.go, phone.go the built-in simulator and its phone; a host has neither
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program; it returns the exit code: 2 for what the flags ask for
// and can't be had, 1 for what broke, 0 else. What is logged goes to errs.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = serve(ctx, o, out, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: o.level})))
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(errs, "service:", strings.TrimSuffix(err.Error(), ": usage"))
		return 2
	default:
		_, _ = fmt.Fprintln(errs, "service:", err)
		return 1
	}
}
