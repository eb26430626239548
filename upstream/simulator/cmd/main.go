// Command cmd runs the simulated aggregator for a client in any language:
//
//	go run ./upstream/simulator/cmd
//
// It prints the address, what a client needs to know, and the people with their
// passwords. Then it prints each message that one of their phones receives, until it
// is interrupted.
//
// Beside the API it serves the phones: GET /phones/{phone} returns the messages as a
// JSON list, oldest first, and POST /phones/{phone}/cxxd texts CXXD to 10001, which
// the carrier "jilin" waits for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	listen, org, secret               string
	collectFor, resendAfter, codeLife time.Duration
}

func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8089", "the `address` to serve; it should be a loopback one, since callers are not authenticated")
	flags.StringVar(&o.org, "org", "DEMO", "the institution's account `name` in the paths")
	flags.StringVar(&o.secret, "client-secret", "simulated-client-secret", "the `secret` for the data calls")
	flags.DurationVar(&o.collectFor, "collect", 30*time.Second, "how long a collection takes")
	flags.DurationVar(&o.resendAfter, "resend", time.Minute, "the shortest time between two codes")
	flags.DurationVar(&o.codeLife, "code", 5*time.Minute, "how long a code is valid")
	if err = flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	o, err := parse(args, errOut)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	sim := simulator.New(simulator.Config{
		Org: o.org, ClientSecret: o.secret, CollectFor: o.collectFor, ResendAfter: o.resendAfter, CodeLife: o.codeLife,
	})
	printPeople(out, o, listener.Addr().String())
	server := &http.Server{Handler: newPhones(sim, out).handler(), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() {
		sim.Close()
		_ = server.Close()
	})
	defer stop()
	if err = server.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// printPeople prints what a client and a person at it need to know.
func printPeople(out io.Writer, o options, address string) {
	p := func(format string, values ...any) { _, _ = fmt.Fprintf(out, format+"\n", values...) }
	p("The simulated aggregator is at http://%s", address)
	p("")
	p("org            %s", o.org)
	p("client_secret  %s", o.secret)
	p("phones         GET http://%s/phones/{phone}, POST http://%s/phones/{phone}/cxxd", address, address)
	p("")
	carriers, people := simulator.Carriers(), simulator.People()
	first := people[0]
	p("All people are named %s. Their service password is %s, their query password %s,", first.Name, first.Password, first.QueryPassword)
	p("that of a second data source %s, a new password for a reset %s.", first.NextPassword, first.NewPassword)
	p("")
	for i, person := range people {
		p("%s  %s  %-16s %s", person.Phone, person.IDCard, person.Website, carriers[i].Description)
	}
	p("")
}
