package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/lab"
	"github.com/carrierfsm/carrierfsm/bench/measure/peer/temporal"
	"github.com/carrierfsm/carrierfsm/bench/measure/report"
)

// temporalModule is the folder of the module that measures Temporal, seen from
// that of this one.
var temporalModule = filepath.Join("..", "temporal")

// elsewhere has Temporal measured by the program of the module in this folder,
// which it builds, if the plan has cells of it. If it can't be built they are
// left out, and that is noted.
func elsewhere(ctx context.Context, module, folder string, plan *lab.Plan, r *report.Run, progress io.Writer) {
	its := func(c lab.Cell) bool { return temporal.Is(c.Kind) }
	if !slices.ContainsFunc(plan.Cells, its) {
		return
	}
	_, _ = fmt.Fprintf(progress, "building %s: minutes where it has not been built before\n", temporal.Name)
	program := filepath.Join(folder, "temporal")
	versions, err := build(ctx, module, program)
	if err != nil {
		err = fmt.Errorf("%s can't be built: %w", temporal.Name, err)
		_, _ = fmt.Fprintln(progress, err)
		r.Failures = append(r.Failures, err.Error())
		plan.Cells = slices.DeleteFunc(plan.Cells, its)
		return
	}
	plan.Elsewhere = map[string]string{temporal.Name: program, temporal.Tuned: program}
	r.Elsewhere = versions
}

// build builds a module's program and returns what it is built of: module →
// version.
func build(ctx context.Context, module, program string) (map[string]string, error) {
	//nolint:gosec // the arguments are this program's own
	said, err := exec.CommandContext(ctx, "go", "build", "-C", module, "-buildvcs=false", "-o", program, ".").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	versions := make(map[string]string)
	for _, d := range info.Deps {
		versions[d.Path] = d.Version
	}
	return versions, nil
}
