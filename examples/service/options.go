package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
)

// options are the program's flags, and below them values that only tests change.
type options struct {
	addr    string // to listen on
	console string // the address of the operators' console; empty: none
	metrics string // the address of /metrics; empty: none
	store   string // "memory", "sqlite:path", "postgres://…"
	// createShards writes into new databases which shards they are.
	createShards bool
	upstream     string // a base URL, or "simulator": the built-in one, the default on loopback without HTTPS
	org          string
	host         string // the file of the host's name, links and consent; empty: the demonstration's
	https        bool   // browsers use HTTPS, to this process or to a proxy
	level        slog.Level
	export       string // a folder for the keys, instead of serving

	machine   carrierfsm.Limits
	budgets   budget.Limits // of each number, a day
	call      time.Duration // the timeout of an upstream call
	allowance rateLimit     // for each client
	waitLimit time.Duration // how long a request waits for an outcome or a change
}

// errUsage marks errors in the flags or the environment.
var errUsage = errors.New("usage")

// defaultOptions returns the values of the options without a flag.
func defaultOptions() options {
	return options{
		call:      180 * time.Second,
		allowance: rateLimit{burst: 600, perSecond: 20},
		waitLimit: 25 * time.Second,
	}
}

func parse(args []string, out io.Writer) (options, error) {
	o := defaultOptions()
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "the address to listen on; port 0 is any free one")
	flags.StringVar(&o.console, "console", "", "the address of the operators' console, on loopback, for instance 127.0.0.1:8090 (default: none)")
	flags.StringVar(&o.store, "store", "memory", "where verifications are kept: memory, sqlite:path, postgres://…, or several as one: \"sharded:a=postgres://… b=postgres://…\"")
	flags.BoolVar(&o.createShards, "create-shards", false, "write into new databases of a sharded store which shards they are; once, as carrierfsm shard create does")
	flags.StringVar(&o.metrics, "metrics", "", "the address of /metrics for Prometheus, on loopback, for instance 127.0.0.1:9464 (default: none)")
	flags.StringVar(&o.upstream, "upstream", "", "the base URL of the aggregator, or simulator: one in this process, with invented people (default on loopback without -https: simulator)")
	flags.StringVar(&o.org, "org", "DEMO", "the institution's account name at the aggregator")
	flags.StringVar(&o.host, "host", "", "the file of your name, logo, links and the consent that persons agree to, as page/demo.json; needed with an -upstream (default with the simulator: the demonstration's)")
	flags.BoolVar(&o.https, "https", false, "browsers use HTTPS, which a proxy terminates: cookies are for HTTPS only")
	flags.TextVar(&o.level, "log", slog.LevelInfo, "the lowest level to log, on standard error: debug, info, warn, error")
	flags.StringVar(&o.export, "export-keys", "", "write the keys of the store to this `folder`, for the command carrierfsm, and serve nothing")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintf(out, "Serves a page on which a person verifies a phone number.\n"+
			"%s, in base64, is the 32-byte key that seals the store.\n", keyVariable)
		flags.SetOutput(out)
		flags.PrintDefaults()
		return o, err
	case err != nil:
		return o, fmt.Errorf("%w: %w", err, errUsage)
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: %w", flags.Arg(0), errUsage)
	}
	return o, o.check()
}

// check refuses options that can't be used, before anything is opened.
func (o options) check() error {
	if err := checkStore(o.store); err != nil {
		return err
	}
	if _, err := environmentKey(o.store); err != nil {
		return err
	}
	for name, addr := range map[string]string{"-console": o.console, "-metrics": o.metrics} {
		if addr != "" && !isLoopback(addr) {
			return fmt.Errorf("%s %s is not a loopback address, and it has no HTTPS: %w", name, addr, errUsage)
		}
	}
	_, _, err := net.SplitHostPort(o.addr)
	switch {
	case err != nil:
		return fmt.Errorf("-addr: %w: %w", err, errUsage)
	case !o.https && isLoopback(o.addr):
		return nil
	case !o.https:
		return fmt.Errorf("-addr %s is not a loopback address: passwords need HTTPS, which a proxy terminates; then set -https: %w", o.addr, errUsage)
	case o.upstream == "":
		return fmt.Errorf("others than this machine reach the service: choose an -upstream, or simulator: %w", errUsage)
	default:
		return nil
	}
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
