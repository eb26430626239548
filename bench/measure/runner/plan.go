package runner

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
)

// Plan has the cells to measure, how often and for how long.
type Plan struct {
	Cells       []Cell
	Rounds      int
	For, WarmUp time.Duration
	// Profile, if not empty, is the path of a CPU profile, which each cell overwrites.
	Profile string
	// Slow are cells that are measured three times as long, as they are slow.
	Slow []Cell
	// Programs are the paths of the programs for kinds that this program can't
	// measure: kind → program.
	Programs map[string]string
}

// Results has the samples of each cell, one for each round. A cell that failed has
// fewer, and an error.
type Results struct {
	Samples map[Cell][]drive.Sample
	Errors  map[Cell]error
}

// Run measures every cell once in each round. The order is reversed in every second
// round, so that a drift of the machine affects all cells alike. It writes its
// progress to progress, and skips a cell after it has failed.
func (p Plan) Run(ctx context.Context, provisioner *Provisioner, progress io.Writer) Results {
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
			s, err := p.One(ctx, provisioner, c)
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
func (p Plan) One(ctx context.Context, provisioner *Provisioner, c Cell) (s drive.Sample, err error) {
	storage, remove, err := provisioner.New(ctx, c.Medium, c.Drivers)
	if err != nil {
		return s, err
	}
	j := Job{Task: Drive, Cell: c, Storage: storage, For: p.For, WarmUp: p.WarmUp, Profile: p.Profile, Program: p.Programs[c.Kind]}
	if slices.Contains(p.Slow, c) {
		j.For *= 3
	}
	err = Run(ctx, j, &s)
	if e := remove(); err == nil {
		err = e
	}
	return s, err
}
