package lab

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
)

// Plan is what is measured, how often and for how long.
type Plan struct {
	Cells       []Cell
	Rounds      int
	For, WarmUp time.Duration
	// Profile, where not empty, is the path to which each cell writes a CPU
	// profile; the last one stays.
	Profile string
	// Slow are cells that are driven three times as long: they do little in the
	// time that is enough for the others.
	Slow []Cell
	// Elsewhere are the paths of the programs that measure the kinds that this
	// program can't: kind → program.
	Elsewhere map[string]string
}

// Results are the samples of each cell, one a round. A cell that failed has
// fewer, and its error.
type Results struct {
	Samples map[Cell][]drive.Sample
	Errors  map[Cell]error
}

// Run measures every cell once a round, forwards and backwards in turn, so
// that what changes about the machine meets all alike. What it does it tells
// to progress. A cell that fails is left out from then on.
func (p Plan) Run(ctx context.Context, places *Places, progress io.Writer) Results {
	r := Results{make(map[Cell][]drive.Sample), make(map[Cell]error)}
	for round := range p.Rounds {
		cells := slices.Clone(p.Cells)
		if round%2 == 1 {
			slices.Reverse(cells)
		}
		for i, c := range cells {
			if r.Errors[c] != nil || ctx.Err() != nil {
				continue
			}
			_, _ = fmt.Fprintf(progress, "round %d of %d, %d of %d: %s: ", round+1, p.Rounds, i+1, len(cells), c)
			s, err := p.One(ctx, places, c)
			if err != nil {
				r.Errors[c] = err
				_, _ = fmt.Fprintln(progress, err)
				continue
			}
			r.Samples[c] = append(r.Samples[c], s)
			_, _ = fmt.Fprintf(progress, "%.0f verifications/s\n", s.PerSecond())
		}
	}
	return r
}

// One measures one cell once.
func (p Plan) One(ctx context.Context, places *Places, c Cell) (s drive.Sample, err error) {
	place, remove, err := places.New(ctx, c.Medium, c.Drivers)
	if err != nil {
		return s, err
	}
	j := Job{Task: Drive, Cell: c, Place: place, For: p.For, WarmUp: p.WarmUp, Profile: p.Profile, Program: p.Elsewhere[c.Kind]}
	if slices.Contains(p.Slow, c) {
		j.For *= 3
	}
	err = Run(ctx, j, &s)
	if e := remove(); err == nil {
		err = e
	}
	return s, err
}
