// Package temporal has the names and kinds of Temporal for the report and for the
// module that measures it, bench/temporal. It does not import Temporal.
package temporal

import (
	"context"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Name is the name in the report of the test server with its defaults, and Tuned of
// the one that polls for tasks as often as possible.
const (
	Name  = "Temporal (temporalio/temporal)"
	Tuned = "Temporal (temporalio/temporal), tuned"
)

// Is reports whether a kind is one of them.
func Is(kind string) bool { return kind == Name || kind == Tuned }

// The modules of its server and SDK.
const (
	Server = "go.temporal.io/server"
	SDK    = "go.temporal.io/sdk"
)

// Opener returns a function that opens the subject, tuned or not.
type Opener func(tuned bool) func(context.Context, subject.Storage) (subject.Subject, error)

// Kinds returns the subjects; open may be nil if they are only reported. Their SQLite
// is in memory.
func Kinds(open Opener) []subject.Kind {
	kinds := []subject.Kind{{Name: Name}, {Name: Tuned}}
	for i := range kinds {
		k := &kinds[i]
		k.Media, k.Transitions = []subject.Medium{subject.Memory}, len(step.Transitions)
		if open != nil {
			k.Open = open(k.Name == Tuned)
		}
	}
	return kinds
}
