// Command quickstart runs one verification from created to done in the terminal:
// over HTTP, against a simulated operator, on a SQLite file.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the program's flags.
type options struct {
	carrier     string
	interactive bool
	db          string
	id          string
	fault       string
	skip        bool
}

// errUsage marks errors in the arguments.
var errUsage = errors.New("usage")

// errFailed is returned for a verification that ended in failed, which was printed.
var errFailed = errors.New("the verification failed")

// run is the program. It returns the exit code: 3 for a verification that failed, 2 for
// bad flags, a bad id or a bad database path, 1 for other errors, and 0 otherwise, also
// after an interrupt.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = verify(ctx, o, in, out)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFailed):
		return 3
	case errors.Is(err, errUsage):
		_, _ = fmt.Fprintln(errs, "quickstart:", strings.TrimSuffix(err.Error(), ": usage"))
		return 2
	default:
		_, _ = fmt.Fprintln(errs, "quickstart:", err)
		return 1
	}
}

func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.carrier, "carrier", "plain", "the simulated carrier: "+strings.Join(carrierNames(), ", "))
	flags.BoolVar(&o.interactive, "interactive", false, "ask you, instead of a simulated person")
	flags.StringVar(&o.db, "db", "", "the SQLite file of the verification (default: a temporary one)")
	flags.StringVar(&o.id, "id", "demo", "the verification's id; the same id and file resume it")
	flags.StringVar(&o.fault, "fault", "", "what to break at the first password: "+strings.Join(faultNames(), ", "))
	flags.BoolVar(&o.skip, "skip", false, "skip the first data source")
	err = flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintln(out, "Runs one verification from created to done against a simulated operator.\n"+
			"The exit code is 0 for done and after an interrupt, 3 for failed, 2 for\n"+
			"arguments that can't be used, and 1 for other errors.")
		flags.VisitAll(func(f *flag.Flag) { f.Usage = strings.Join(wrap(f.Usage, lineWidth-8), "\n") })
		flags.SetOutput(out)
		flags.PrintDefaults()
		return o, err
	case err != nil:
		return o, fmt.Errorf("%w: %w", err, errUsage)
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q: %w", flags.Arg(0), errUsage)
	}
	named := false
	flags.Visit(func(f *flag.Flag) { named = named || f.Name == "id" })
	if named && o.id == "" {
		return o, fmt.Errorf("-id is empty: %w", errUsage)
	}
	if named && o.db == "" {
		return o, fmt.Errorf("-id needs -db: a temporary database holds nothing to resume: %w", errUsage)
	}
	return o, o.check()
}

func (o options) check() error {
	if _, known := carrierNamed(o.carrier); !known {
		return fmt.Errorf("no carrier %q; there are %s: %w", o.carrier, strings.Join(carrierNames(), ", "), errUsage)
	}
	if _, known := faults[o.fault]; o.fault != "" && !known {
		return fmt.Errorf("no fault %q; there are %s: %w", o.fault, strings.Join(faultNames(), ", "), errUsage)
	}
	return nil
}

// verify builds the machine as a host would, and runs one verification.
func verify(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	if o.db == "" {
		dir, err := os.MkdirTemp("", "carrierfsm-quickstart-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		o.db = filepath.Join(dir, "quickstart.db")
		o.id = "" // the machine chooses one
	}
	store, err := sqlite.Open(ctx, o.db)
	if err != nil {
		return fmt.Errorf("can't open the database: %w: %w", err, errUsage)
	}
	defer func() { _ = store.Close() }()

	simulation, err := startSimulation(o)
	if err != nil {
		return err
	}
	defer simulation.close()

	upstream, err := juxinli.New(juxinli.Config{BaseURL: simulation.url, Org: "DEMO"})
	if err != nil {
		return err
	}
	secret := make([]byte, 32) // a host has one in its secret store, the same in all replicas
	_, _ = rand.Read(secret)   // never fails, by its contract
	numbers, err := budget.NewNumbers(secret)
	if err != nil {
		return err
	}
	machine, err := carrierfsm.New(carrierfsm.Config{
		Numbers:     numbers,
		Store:       store,
		Upstream:    upstream,
		CallTimeout: 5 * time.Second, // short, so that a lost reply is settled soon
		Grace:       time.Second,
		Limits:      carrierfsm.Limits{ResendAfter: 5 * time.Second},
	})
	if err != nil {
		return err
	}
	s := newSession(out, machine)
	defer s.close(context.WithoutCancel(ctx), machine) // after Run has ended, and before the store is closed
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = machine.Run(background) }) // returns nil when it is stopped
	defer running.Wait()
	defer stop()

	return s.play(ctx, o, simulation.person(o, in, out))
}
