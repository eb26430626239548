package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// simulatorCommand runs the simulated aggregator for a client in any language. Beside
// the API it serves the phones: GET /phones/{phone} returns the messages as a JSON
// list, oldest first, and POST /phones/{phone}/cxxd texts CXXD to 10001, which the
// carrier "jilin" waits for.
var simulatorCommand = command{
	name: "simulator serve", about: "Serve the simulated aggregator, for a client in any language", flags: simulatorFlags,
	more: "It prints the address, what a client needs to know, and the people with their passwords; then each message that one of\ntheir phones receives, until it is interrupted.",
}

// simulatorOptions are the flags.
type simulatorOptions struct {
	listen, org, secret               string
	collectFor, resendAfter, codeLife time.Duration
}

func simulatorFlags(flags *flag.FlagSet) action {
	var o simulatorOptions
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8089", "the `address` to serve; it should be a loopback one, since callers are not authenticated")
	flags.StringVar(&o.org, "org", "DEMO", "the institution's account `name` in the paths")
	flags.StringVar(&o.secret, "client-secret", "simulated-client-secret", "the `secret` for the data calls")
	flags.DurationVar(&o.collectFor, "collect", 30*time.Second, "how long a collection takes")
	flags.DurationVar(&o.resendAfter, "resend", time.Minute, "the shortest time between two codes")
	flags.DurationVar(&o.codeLife, "code", 5*time.Minute, "how long a code is valid")
	return func(ctx context.Context, std streams, _ []string) error { return serveSimulator(ctx, o, std.out) }
}

// serveSimulator serves until ctx ends.
func serveSimulator(ctx context.Context, o simulatorOptions, out io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return usage("-listen: %w", err)
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
func printPeople(out io.Writer, o simulatorOptions, address string) {
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
