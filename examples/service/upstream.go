package main

import (
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// upstream is the aggregator's client, and the simulator if that is built in.
type upstream struct {
	upstream  carrierfsm.Upstream
	simulated *simulated // nil with a real one
	close     func()
}

// openUpstream returns the client of the aggregator of the flags, or starts a
// simulated one in this process. The observer is called for each HTTP request.
func openUpstream(o options, observer *carrierfsm.Observer) (upstream, error) {
	url, u := o.upstream, upstream{close: func() {}}
	if url == "" || url == "simulator" {
		simulated, err := openSimulator(o)
		if err != nil {
			return upstream{}, err
		}
		url, u.simulated, u.close = simulated.url, simulated, simulated.close
	}
	client, err := juxinli.New(juxinli.Config{BaseURL: url, Org: o.org, Timeout: o.call, Observer: observer})
	if err != nil {
		u.close()
		return upstream{}, fmt.Errorf("%w: %w", err, errUsage)
	}
	u.upstream = client
	return u, nil
}
