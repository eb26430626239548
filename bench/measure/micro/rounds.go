package micro

import (
	"context"
	"errors"
	"time"
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

// Rounds measures all of them, in each round. The first two take short turns,
// so that what else the machine does, the garbage collector's work for instance,
// falls on both. size is about how many thousand calls of the dearer ones a
// round has.
func Rounds(ctx context.Context, rounds, size int) (map[string][]Cost, error) {
	all := make(map[string][]Cost)
	var errs []error
	for range rounds {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		n := size * 1000
		submit, bare, err1 := inTurns(n)
		reused, err2 := Measure(10*n, Reused)
		compiled, err3 := Measure(1000*n, Compiled)
		errs = append(errs, err1, err2, err3)
		for name, cost := range map[string]Cost{NameSubmit: submit, NameBare: bare, NameReused: reused, NameCompiled: compiled} {
			all[name] = append(all[name], cost)
		}
	}
	return all, errors.Join(errs...)
}

// turn is how many verifications are carried in one turn. Each turn begins
// behind a reading of the memory statistics, which stops the world and empties
// the allocator's caches, and with the other's data in the processor's. With 20
// verifications a turn that was a tenth of what was measured; with so many, the
// turns still alternate many times a second.
const turn = 200

// inTurns measures n Submits, and as many bare machines.
func inTurns(n int) (submit, bare Cost, err error) {
	s, err := newSubmissions(n / submissions)
	if err != nil {
		return submit, bare, err
	}
	table := Table()
	var ours, theirs []Cost
	for s.left() >= turn {
		a, err1 := Measure(turn*submissions, s.carry)
		b, err2 := Measure(turn*submissions, func(n int) error { return Bare(table, n) })
		if err = errors.Join(err1, err2); err != nil {
			break
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	return mean(ours), mean(theirs), errors.Join(err, s.m.Close(context.Background()))
}

// mean is what one call cost in the mean of all turns.
func mean(turns []Cost) (c Cost) {
	n := max(len(turns), 1)
	for _, t := range turns {
		c.Time += t.Time
		c.Mallocs += t.Mallocs / float64(n)
		c.Bytes += t.Bytes / float64(n)
	}
	c.Time /= time.Duration(n)
	return c
}
