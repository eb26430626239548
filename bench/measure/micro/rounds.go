package micro

import (
	"context"
	"errors"
)

// The names of what is measured in memory.
const (
	NameSubmit   = "a whole Submit, in memory"
	NameBare     = "bare fsm.NewFSM of the full table + Event"
	NameReused   = "bare SetState + Event on one machine"
	NameCompiled = "a compiled table, one lookup"
)

// Names are all of them, in the order of the report.
var Names = []string{NameSubmit, NameBare, NameReused, NameCompiled}

// Rounds measures all of them, one after the other, in each round. size is
// about how many thousand calls of the dearer ones a round has.
func Rounds(ctx context.Context, rounds, size int) (map[string][]Cost, error) {
	all := make(map[string][]Cost)
	var errs []error
	for range rounds {
		for _, name := range Names {
			if ctx.Err() != nil {
				return all, ctx.Err()
			}
			cost, err := one(name, size*1000)
			all[name] = append(all[name], cost)
			errs = append(errs, err)
		}
	}
	return all, errors.Join(errs...)
}

func one(name string, n int) (Cost, error) {
	switch name {
	case NameSubmit:
		return Submits(n / 3)
	case NameBare:
		return Measure(n, Bare)
	case NameReused:
		return Measure(10*n, Reused)
	default:
		return Measure(1000*n, Compiled)
	}
}
