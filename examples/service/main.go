// Command service is a web service that embeds carrierfsm as a host would: a
// page for the person, in Chinese and English, and its JSON endpoints. It is meant
// to be read and copied, one file at a time:
//
//	options.go, serve.go     the flags; the order of start and shutdown
//	store.go, upstream.go    the store and the upstream
//	keys.go, ticket.go       the keys; how a browser is recognised
//	session.go, site.go      the endpoints of package httpapi, for this site's sessions
//	page.go, words.go        the page, and its texts around the screen
//	host.go                  whose service it is: name, logo, links, and what persons agree to
//	middleware.go, limits.go headers, same origin, logging; rate limits
//	health.go, metrics.go    /healthz and /readyz for probes, /metrics for Prometheus
//	operators.go             the operators' console, at its own address
//	simulator.go, phone.go   the built-in simulator and its phone; a host needs neither
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

// run is the program. It returns the exit code: 2 for flags that are invalid or
// can't be satisfied, 1 for other errors, and 0 otherwise. It logs to errs.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	switch {
	case err != nil:
	case o.export != "":
		err = exportKeys(o, o.export)
	default:
		err = serve(ctx, o, out, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: o.level})))
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(errs, "service:", strings.ReplaceAll(strings.TrimSuffix(err.Error(), ": usage"), "\n\t", " ")) // pgx has a line for each address
		return 2
	default:
		_, _ = fmt.Fprintln(errs, "service:", err)
		return 1
	}
}
