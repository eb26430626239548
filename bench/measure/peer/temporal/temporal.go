// Package temporal is what is known of Temporal here, without its server: what
// the module that measures it, bench/temporal, and the report both have to say.
package temporal

import (
	"context"

	"github.com/carrierfsm/carrierfsm/bench/measure/peer/relay"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is what the report calls it as its test server comes, Tuned what it
// calls it where it may look for tasks as often as it can.
const (
	Name  = "Temporal (temporalio/temporal)"
	Tuned = "Temporal (temporalio/temporal), tuned"
)

// Is tells whether a kind is one of them.
func Is(kind string) bool { return kind == Name || kind == Tuned }

// The modules of its server and of its SDK, which are named with their versions.
const (
	Server = "go.temporal.io/server"
	SDK    = "go.temporal.io/sdk"
)

// Opener opens it, tuned or not.
type Opener func(tuned bool) func(context.Context, subject.Place) (subject.Subject, error)

// Kinds are the subjects, opened by open; nil where they are only reported on.
// Their SQLite is in memory.
func Kinds(open Opener) []subject.Kind {
	kinds := []subject.Kind{{Name: Name}, {Name: Tuned}}
	for i := range kinds {
		k := &kinds[i]
		k.Media, k.Transitions = []subject.Medium{subject.Memory}, len(relay.Transitions)
		if open != nil {
			k.Open = open(k.Name == Tuned)
		}
	}
	return kinds
}
