package main

import (
	"fmt"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/upstream/juxinli"
)

// upstream is whom the machine calls.
type upstream struct {
	upstream  carrierfsm.Upstream
	simulated *simulated // nil with a real one
	close     func()
}

// openUpstream connects to the aggregator that the flags name, or starts a
// simulated one in this process. The observer is told of the HTTP requests.
func openUpstream(o options, observer *carrierfsm.Observer) (upstream, error) {
	url, u := o.upstream, upstream{close: func() {}}
	if url == "" {
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
