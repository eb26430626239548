// Package temporal is what is known of Temporal here, without its server: what
// the module that measures it, bench/temporal, and the report both have to say.
package temporal

import (
	"context"

	"github.com/carrierfsm/carrierfsm/bench/measure/peer/relay"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is what the report calls it.
const Name = "Temporal (temporalio/temporal)"

// The modules of its server and of its SDK, which are named with their versions.
const (
	Server = "go.temporal.io/server"
	SDK    = "go.temporal.io/sdk"
)

// Kind is the subject, opened by open; nil where it is only reported on. Its
// SQLite is in memory.
func Kind(open func(context.Context, subject.Place) (subject.Subject, error)) subject.Kind {
	return subject.Kind{Name: Name, Media: []subject.Medium{subject.Memory}, Transitions: len(relay.Transitions), Open: open}
}
