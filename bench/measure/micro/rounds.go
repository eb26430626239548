package micro

import (
	"context"
	"errors"
	"time"
)

// The names of the measurements in memory.
const (
	NameSubmit   = "a whole Submit, in memory"
	NameBare     = "bare fsm.NewFSM of the full table + Event"
	NameReused   = "bare SetState + Event on one machine"
	NameCompiled = "a compiled table, one lookup"
)

// Names has all names, in the order of the report.
var Names = []string{NameSubmit, NameBare, NameReused, NameCompiled}

// Rounds measures all of them in each round. The first two alternate in short turns,
// so that background work, for instance of the garbage collector, affects both. size
// is the approximate number of calls of the slower ones in a round, in thousands.
func Rounds(ctx context.Context, rounds, size int) (map[string][]Cost, error) {
	all := make(map[string][]Cost)
	var errs []error
	for range rounds {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		n := size * 1000
		submit, bare, err1 := interleaved(n)
		reused, err2 := Measure(10*n, Reused)
		compiled, err3 := Measure(1000*n, Compiled)
		errs = append(errs, err1, err2, err3)
		for name, cost := range map[string]Cost{NameSubmit: submit, NameBare: bare, NameReused: reused, NameCompiled: compiled} {
			all[name] = append(all[name], cost)
		}
	}
	return all, errors.Join(errs...)
}

// turnSize is the number of verifications in one turn. Each turn begins with cold
// caches: of the allocator, because reading the memory statistics flushes them, and
// of the processor. With turns of 20 verifications that cost a tenth of the measured
// time; turns of this size still alternate many times a second.
const turnSize = 200

// interleaved measures n Submits, and as many bare machines.
func interleaved(n int) (submit, bare Cost, err error) {
	s, err := newRun(n / submissions)
	if err != nil {
		return submit, bare, err
	}
	table := Table()
	var ours, theirs []Cost
	for s.left() >= turnSize {
		a, err1 := Measure(turnSize*submissions, s.submit)
		b, err2 := Measure(turnSize*submissions, func(n int) error { return Bare(table, n) })
		if err = errors.Join(err1, err2); err != nil {
			break
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	return meanCost(ours), meanCost(theirs), errors.Join(err, s.m.Close(context.Background()))
}

// meanCost returns the mean of all turns.
func meanCost(turns []Cost) (c Cost) {
	n := max(len(turns), 1)
	for _, t := range turns {
		c.Time += t.Time
		c.Mallocs += t.Mallocs / float64(n)
		c.Bytes += t.Bytes / float64(n)
	}
	c.Time /= time.Duration(n)
	return c
}
